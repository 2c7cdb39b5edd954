using DistFS.Metadata.Locks;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <content>
/// Locks that are held go together, who waits must, and each is of a session that has the inode open.
/// </content>
public sealed partial class TreeCheck
{
    private readonly HashSet<(InodeId Inode, ClientId Client)> _openBy = [];
    private readonly HashSet<(InodeId Inode, ClientId Client)> _lockedBy = [];
    private readonly HashSet<(InodeId Inode, LockOwner Owner)> _waitedBy = [];

    private void TakeLocks(IOrderedStore store)
    {
        Scan(store, RowTable.Locks, (key, value) =>
        {
            TakeLocks(RowKey.InodeOf(key), value);
            return true;
        });
        var (sessions, waits) = (0, 0);
        Scan(store, RowTable.SessionLock, (key, _) =>
        {
            sessions += _lockedBy.Contains((new InodeId(RowKey.CookieOf(key)), new ClientId(RowKey.InodeOf(key).Value)))
                ? 1 : -1;
            return true;
        });
        Scan(store, RowTable.LockWait, (key, _) =>
        {
            var owner = new LockOwner(new ClientId(RowKey.InodeOf(key).Value), RowKey.CookieOf(key));
            waits += _waitedBy.Contains((new InodeId(RowKey.HandleOf(key)), owner)) ? 1 : -1;
            return true;
        });
        if (sessions != _lockedBy.Count || waits != _waitedBy.Count)
        {
            Find("the locks by session or by owner are not those by inode");
        }
    }

    private void TakeLocks(InodeId id, ReadOnlySpan<byte> value)
    {
        var locks = new InodeLocks();
        LocksRow.Read(value, locks.Held, locks.Waiting);
        foreach (var one in locks.Held.Concat(locks.Waiting))
        {
            _lockedBy.Add((id, one.Owner.Client));
            if (!_openBy.Contains((id, one.Owner.Client)))
            {
                Find($"{one.Owner.Client} has a lock of {id}, which it has not open");
            }
        }

        foreach (var one in locks.Waiting)
        {
            _waitedBy.Add((id, one.Owner));
        }

        if (locks.Held.Any(one => locks.Held.Any(other => one.Conflicts(other))))
        {
            Find($"locks of {id} are held that conflict");
        }

        if (locks.NextToGrant() is { } next)
        {
            Find($"{next.Owner} waits for a lock of {id} that it may have");
        }
    }
}
