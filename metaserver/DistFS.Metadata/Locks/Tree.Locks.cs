using DistFS.Metadata.Locks;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>Locks, by inode; by session, so that they end with it; and who waits where.</content>
public sealed partial class Tree
{
    /// <summary>
    /// What was granted to those who waited, since somebody took these: not state, but what the session is to be told.
    /// </summary>
    internal List<LockGrant> LockGrants { get; } = [];

    /// <summary>The locks of an inode.</summary>
    internal InodeLocks Locks(InodeId inode)
    {
        var locks = new InodeLocks();
        if (TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Locks, inode)))
        {
            LocksRow.Read(_value.WrittenSpan, locks.Held, locks.Waiting);
        }

        return locks;
    }

    /// <summary>Writes the locks of an inode, and who has or wants one there.</summary>
    internal void PutLocks(InodeId inode, InodeLocks locks)
    {
        var before = Locks(inode);
        foreach (var (client, more) in locks.MoreThan(before))
        {
            ChangeUse(client, opens: 0, locks: more);
        }

        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        var row = RowKey.Of(key, RowTable.Locks, inode);
        if (locks.Count == 0)
        {
            changes.Delete(row);
        }
        else
        {
            changes.Put(row, LocksRow.Write(locks.Held, locks.Waiting));
        }

        foreach (var client in before.Clients.Except(locks.Clients))
        {
            changes.Delete(SessionLockKey(key, client, inode));
        }

        foreach (var client in locks.Clients.Except(before.Clients))
        {
            changes.Put(SessionLockKey(key, client, inode), []);
        }

        foreach (var owner in before.Waiters.Except(locks.Waiters))
        {
            changes.Delete(RowKey.OfOpen(key, RowTable.LockWait, owner.Client.Value, owner.Id, inode.Value));
        }

        foreach (var owner in locks.Waiters.Except(before.Waiters))
        {
            changes.Put(RowKey.OfOpen(key, RowTable.LockWait, owner.Client.Value, owner.Id, inode.Value), []);
        }
    }

    /// <summary>Whether a session has or wants a lock of an inode.</summary>
    internal bool HasLocks(ClientId client, InodeId inode) =>
        TryRead(SessionLockKey(stackalloc byte[RowKey.BytesMax], client, inode));

    /// <summary>Where an owner waits.</summary>
    internal List<InodeId> LockWaits(LockOwner owner)
    {
        var inodes = new List<InodeId>();
        var prefix = new RowKey(stackalloc byte[RowKey.BytesMax], RowTable.LockWait);
        prefix.Add(owner.Client.Value);
        prefix.Add(owner.Id);
        ScanPrefix(prefix.Bytes, (key, _) =>
        {
            inodes.Add(new InodeId(RowKey.HandleOf(key)));
            return true;
        });
        return inodes;
    }

    /// <summary>A token that is higher than all before.</summary>
    internal ulong NextFence() =>
        Teeth.Has(PlantedBug.LockTokenGivenTwice) ? 1 : Counter("lock-fence"u8, first: 1);

    private static ReadOnlySpan<byte> SessionLockKey(Span<byte> buffer, ClientId client, InodeId inode)
    {
        var key = new RowKey(buffer, RowTable.SessionLock);
        key.Add(client.Value);
        key.Add(inode.Value);
        return key.Bytes;
    }
}
