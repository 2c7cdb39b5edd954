using System.Buffers;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <summary>The sessions that use leases, as the state has them.</summary>
public static class LeaseHolders
{
    /// <summary>All of them, in order.</summary>
    public static IReadOnlyList<LeaseHolder> In(IOrderedStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        var holders = new List<LeaseHolder>();
        store.Scan([(byte)RowTable.Session], [(byte)RowTable.Session + 1], (key, value) =>
        {
            var session = SessionRow.Read(value);
            if (session.UsesLeases)
            {
                holders.Add(new LeaseHolder(new ClientId(RowKey.InodeOf(key).Value), session.LeaseMs));
            }

            return true;
        });
        return holders;
    }

    /// <summary>One of them; null if there is no such session, or it uses none.</summary>
    /// <param name="store">The state.</param>
    /// <param name="client">Whose session.</param>
    /// <param name="isThere">Whether there is such a session.</param>
    public static LeaseHolder? Find(IOrderedStore store, ClientId client, out bool isThere)
    {
        ArgumentNullException.ThrowIfNull(store);
        var value = new ArrayBufferWriter<byte>(SessionRow.SizeBytes);
        var key = new RowKey(stackalloc byte[RowKey.BytesMax], RowTable.Session);
        key.Add(client.Value);
        isThere = new Changes(store).TryRead(key.Bytes, value);
        return isThere && SessionRow.Read(value.WrittenSpan) is { UsesLeases: true } session
            ? new LeaseHolder(client, session.LeaseMs) : null;
    }
}
