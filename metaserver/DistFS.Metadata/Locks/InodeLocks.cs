using DistFS.Primitives;

namespace DistFS.Metadata.Locks;

/// <summary>
/// The locks of one inode: who holds which, and who waits, in the order in which they came. One may be had when nothing
/// that is held conflicts with it, as on one machine (Linux, flock(2), fcntl(2)); of those who wait the first who may
/// have it gets it first.
/// </summary>
/// <remarks>
/// Nobody waits for somebody who only waits. A shared one is had beside shared ones though somebody waits to be alone:
/// else a program that holds one, and waits for another that wants one too, would wait for ever. Who wants to be alone
/// among many who share may wait long, as there.
/// </remarks>
internal sealed class InodeLocks
{
    public List<FileLock> Held { get; } = [];

    public List<FileLock> Waiting { get; } = [];

    /// <summary>The sessions that have or want one.</summary>
    public IEnumerable<ClientId> Clients => Held.Concat(Waiting).Select(static one => one.Owner.Client);

    /// <summary>The owners that want one.</summary>
    public IEnumerable<LockOwner> Waiters => Waiting.Select(static one => one.Owner);

    public int Count => Held.Count + Waiting.Count;

    /// <summary>How many more each session has or wants than it had.</summary>
    public Dictionary<ClientId, int> MoreThan(InodeLocks before)
    {
        var more = new Dictionary<ClientId, int>();
        foreach (var client in Clients)
        {
            more[client] = more.GetValueOrDefault(client) + 1;
        }

        foreach (var client in before.Clients)
        {
            more[client] = more.GetValueOrDefault(client) - 1;
        }

        return more;
    }

    /// <summary>What somebody who asks now has to wait for: the owner of each in the way.</summary>
    public IEnumerable<LockOwner> Blockers(FileLock wanted) =>
        Held.Where(held => held.Conflicts(wanted)).Select(static held => held.Owner);

    /// <summary>What the owner waits for here already, if it waits.</summary>
    public IEnumerable<LockOwner> BlockersOf(LockOwner owner) =>
        Waiting.Where(waiting => waiting.Owner == owner).SelectMany(Blockers);

    /// <summary>Whether it may be had at once.</summary>
    public bool IsFree(FileLock wanted) => !Held.Any(held => held.Conflicts(wanted));

    /// <summary>
    /// Takes a range from what its owner holds (POSIX, fcntl, F_UNLCK): of one that is longer the ends stay, with their
    /// tokens.
    /// </summary>
    public void Release(FileLock range)
    {
        for (var i = 0; i < Held.Count; i++)
        {
            var held = Held[i];
            if (held.Kind != range.Kind || held.Owner != range.Owner || !held.Overlaps(range))
            {
                continue;
            }

            Held.RemoveAt(i--);
            if (held.First < range.First)
            {
                Held.Insert(++i, held with { Last = range.First - 1 });
            }

            if (held.Last > range.Last)
            {
                Held.Insert(++i, held with { First = range.Last + 1 });
            }
        }
    }

    /// <summary>It is held from now on, in the place of whatever its owner held there.</summary>
    public void Hold(FileLock granted)
    {
        Release(granted);
        Held.Add(granted);
    }

    /// <summary>What is waited for and may be had now, in order; who gets it is to call again.</summary>
    public FileLock? NextToGrant()
    {
        for (var i = 0; i < Waiting.Count; i++)
        {
            if (IsFree(Waiting[i]))
            {
                var next = Waiting[i];
                Waiting.RemoveAt(i);
                return next;
            }
        }

        return null;
    }
}
