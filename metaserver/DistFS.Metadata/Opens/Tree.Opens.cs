using DistFS.Metadata.Opens;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>Opens, each under its inode and under its session.</content>
public sealed partial class Tree
{
    /// <summary>What a session has opened an inode for, under a handle.</summary>
    public bool TryGetOpen(InodeId id, ClientId client, ulong handle, out Access access)
    {
        var found = TryRead(RowKey.OfOpen(
            stackalloc byte[RowKey.BytesMax], RowTable.Open, id.Value, client.Value, handle));
        access = found ? OpenRow.Read(_value.WrittenSpan).Access : Access.None;
        return found;
    }

    /// <summary>Writes an open; the count in the inode is the caller's matter.</summary>
    internal void PutOpen(InodeId id, ClientId client, ulong handle, Access access)
    {
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        Span<byte> row = stackalloc byte[OpenRow.SizeBytes];
        new OpenRow(access).Write(row);
        changes.Put(RowKey.OfOpen(key, RowTable.Open, id.Value, client.Value, handle), row);
        changes.Put(RowKey.OfOpen(key, RowTable.SessionOpen, client.Value, id.Value, handle), []);
    }

    /// <summary>Removes an open; the count in the inode is the caller's matter.</summary>
    internal void RemoveOpen(InodeId id, ClientId client, ulong handle)
    {
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        changes.Delete(RowKey.OfOpen(key, RowTable.Open, id.Value, client.Value, handle));
        changes.Delete(RowKey.OfOpen(key, RowTable.SessionOpen, client.Value, id.Value, handle));
    }

    /// <summary>Whether a session has an inode open, under whatever handle.</summary>
    internal bool HasOpen(InodeId id, ClientId client)
    {
        var found = false;
        var prefix = new RowKey(stackalloc byte[RowKey.BytesMax], RowTable.Open);
        prefix.Add(id.Value);
        prefix.Add(client.Value);
        ScanPrefix(prefix.Bytes, (_, _) => !(found = true));
        return found;
    }

    /// <summary>The first opens of a session, in order, as many as asked for.</summary>
    internal List<(InodeId Inode, ulong Handle)> OpensOf(ClientId client, int countMax)
    {
        var opens = new List<(InodeId Inode, ulong Handle)>();
        var prefix = new RowKey(stackalloc byte[RowKey.BytesMax], RowTable.SessionOpen);
        prefix.Add(client.Value);
        ScanPrefix(prefix.Bytes, (key, _) =>
        {
            if (opens.Count == countMax)
            {
                return false;
            }

            opens.Add((new InodeId(RowKey.CookieOf(key)), RowKey.HandleOf(key)));
            return true;
        });
        return opens;
    }

    /// <summary>Notes that a session is over of which there are rows yet.</summary>
    internal void PutEnded(ClientId client) =>
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.EndedSession, new(client.Value)), []);

    /// <summary>There is nothing of that session any more.</summary>
    internal void RemoveEnded(ClientId client) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.EndedSession, new(client.Value)));

    /// <summary>The first sessions that are over and of which there are rows yet, as many as asked for.</summary>
    internal List<ClientId> Ended(int countMax) =>
        First(RowTable.EndedSession, countMax, static id => new ClientId(id));

    /// <summary>The first inodes that have neither a name nor an open, as many as asked for.</summary>
    internal List<InodeId> Orphans(int countMax) => First(RowTable.Orphan, countMax, static id => new InodeId(id));

    /// <summary>That inode is gone.</summary>
    internal void RemoveOrphan(InodeId id) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Orphan, id));

    private List<TId> First<TId>(RowTable table, int countMax, Func<ulong, TId> read)
    {
        var first = new List<TId>();
        ScanPrefix([(byte)table], (key, _) =>
        {
            if (first.Count < countMax)
            {
                first.Add(read(RowKey.InodeOf(key).Value));
            }

            return first.Count < countMax;
        });
        return first;
    }
}
