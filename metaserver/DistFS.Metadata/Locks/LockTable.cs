using DistFS.Primitives;

namespace DistFS.Metadata.Locks;

/// <summary>Locks of all inodes: what is asked, left, and granted to those who wait.</summary>
internal static class LockTable
{
    /// <summary>Most locks of an inode, those waited for included: all are in one row.</summary>
    public const int CountMax = 1024;

    /// <summary>Most locks of a session, on all inodes together.</summary>
    public const int SessionCountMax = 65_536;

    /// <summary>Most owners that a search for a deadlock looks at.</summary>
    private const int SearchMax = 10_000;

    /// <summary>
    /// Asks for a lock. Granted: its token, which stays when what is held already is asked for again. Else it waits,
    /// under its number; <see cref="FsStatus.TryAgain"/> if it is not to, <see cref="FsStatus.Deadlock"/> if somebody
    /// would then wait for himself, <see cref="FsStatus.NoLocks"/> if there are too many.
    /// </summary>
    public static FsStatus Ask(Tree tree, InodeId inode, FileLock wanted, bool mayWait, out ulong? token)
    {
        token = null;
        var locks = tree.Locks(inode);
        foreach (var held in locks.Held)
        {
            if (held.Kind == wanted.Kind && held.Owner == wanted.Owner && held.IsExclusive == wanted.IsExclusive
                && held.First <= wanted.First && held.Last >= wanted.Last)
            {
                token = held.Number;
                return FsStatus.Ok;
            }
        }

        if (locks.Waiting.Any(waiting => waiting.Owner == wanted.Owner && waiting.Number == wanted.Number))
        {
            return FsStatus.Ok;
        }

        if (locks.Count >= CountMax || tree.SessionUse(wanted.Owner.Client).Locks >= SessionCountMax)
        {
            return FsStatus.NoLocks;
        }

        if (locks.IsFree(wanted))
        {
            token = tree.NextFence();
            locks.Hold(wanted with { Number = token.Value });
        }
        else if (!mayWait)
        {
            return FsStatus.TryAgain;
        }
        else if (wanted.Kind == LockKind.Posix && WouldDeadlock(tree, inode, locks, wanted))
        {
            return FsStatus.Deadlock;
        }
        else
        {
            if (wanted.Kind == LockKind.Flock)
            {
                // Another sort of lock is had by leaving the one that is held (flock(2)).
                locks.Release(wanted);
            }

            locks.Waiting.Add(wanted);
        }

        // What was exclusive may be shared now.
        Settle(tree, inode, locks);
        return FsStatus.Ok;
    }

    /// <summary>
    /// A range is left. What is left of a lock on both sides of it are two: <see cref="FsStatus.NoLocks"/> if those are
    /// too many (POSIX, fcntl).
    /// </summary>
    public static FsStatus Leave(Tree tree, InodeId inode, FileLock range)
    {
        var locks = tree.Locks(inode);
        var before = locks.Count;
        locks.Release(range);
        if (locks.Count > before
            && (before >= CountMax || tree.SessionUse(range.Owner.Client).Locks >= SessionCountMax))
        {
            return FsStatus.NoLocks;
        }

        Settle(tree, inode, locks);
        return FsStatus.Ok;
    }

    /// <summary>Somebody waits no more; false if he does not wait.</summary>
    public static bool Cancel(Tree tree, InodeId inode, LockOwner owner, ulong number)
    {
        var locks = tree.Locks(inode);
        var isThere = locks.Waiting.RemoveAll(waiting => waiting.Owner == owner && waiting.Number == number) > 0;
        if (isThere)
        {
            Settle(tree, inode, locks);
        }

        return isThere;
    }

    /// <summary>All of them are gone that are so.</summary>
    public static void LeaveAll(Tree tree, InodeId inode, Predicate<FileLock> which)
    {
        var locks = tree.Locks(inode);
        if (locks.Held.RemoveAll(which) + locks.Waiting.RemoveAll(which) > 0)
        {
            Settle(tree, inode, locks);
        }
    }

    /// <summary>Grants what may be had now, and writes the row.</summary>
    private static void Settle(Tree tree, InodeId inode, InodeLocks locks)
    {
        while (locks.NextToGrant() is { } next)
        {
            var granted = next with { Number = tree.NextFence() };
            locks.Hold(granted);
            tree.LockGrants.Add(new LockGrant(inode, granted, next.Number));
        }

        tree.PutLocks(inode, locks);
    }

    /// <summary>
    /// Whether somebody in the way waits, over others and other inodes, for the one who asks (POSIX, fcntl: EDEADLK),
    /// or so many wait for each other that nobody can say.
    /// </summary>
    private static bool WouldDeadlock(Tree tree, InodeId inode, InodeLocks locks, FileLock wanted)
    {
        var seen = new HashSet<LockOwner>();
        var rest = new Queue<LockOwner>(locks.Blockers(wanted));
        while (rest.TryDequeue(out var owner))
        {
            if (owner == wanted.Owner || seen.Count >= SearchMax)
            {
                return true;
            }

            if (!seen.Add(owner))
            {
                continue;
            }

            foreach (var other in tree.LockWaits(owner))
            {
                foreach (var blocker in (other == inode ? locks : tree.Locks(other)).BlockersOf(owner))
                {
                    rest.Enqueue(blocker);
                }
            }
        }

        return false;
    }
}
