using System.Buffers;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <summary>The sessions that use leases, as the state has them.</summary>
public static class LeaseHolders
{
    /// <summary>
    /// All of them, in order; then those that were ended early, whose clients may believe their leases yet.
    /// </summary>
    public static IReadOnlyList<LeaseHolder> In(IOrderedStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        var holders = new List<LeaseHolder>();
        Add(store, RowTable.Session, holders);
        Add(store, RowTable.EndedHolder, holders);
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

    private static void Add(IOrderedStore store, RowTable table, List<LeaseHolder> holders) =>
        store.Scan([(byte)table], [(byte)((byte)table + 1)], (key, value) =>
        {
            var session = SessionRow.Read(value);
            if (session.UsesLeases)
            {
                holders.Add(new LeaseHolder(
                    new ClientId(RowKey.InodeOf(key).Value), session.LeaseMs, table == RowTable.EndedHolder));
            }

            return true;
        });
}
