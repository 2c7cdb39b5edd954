using DistFS.Metadata.Locks;
using DistFS.Primitives;

namespace DistFS.Metaserver.Locks;

/// <summary>Who waits for a lock.</summary>
/// <param name="Inode">Of which inode.</param>
/// <param name="Kind">Its sort.</param>
/// <param name="Owner">Whose it will be.</param>
/// <param name="Number">By which he knows the request.</param>
internal readonly record struct LockWaiter(InodeId Inode, LockKind Kind, LockOwner Owner, ulong Number);

/// <summary>
/// The calls of those who wait for a lock at this member. What it does not tell is found by asking. Any thread.
/// </summary>
internal sealed class LockWaits
{
    private readonly Lock _gate = new();
    private readonly Dictionary<LockWaiter, List<TaskCompletionSource<ulong>>> _waiting = [];

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Sum(static one => one.Value.Count);
            }
        }
    }

    /// <summary>Somebody waits from now on, until <see cref="Leave"/>.</summary>
    /// <returns>Ends when he has the lock, with its token.</returns>
    public TaskCompletionSource<ulong> Enter(LockWaiter who)
    {
        // Who goes on with it must not do that on the thread that applies entries.
        var told = new TaskCompletionSource<ulong>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (!_waiting.TryGetValue(who, out var calls))
            {
                _waiting[who] = calls = [];
            }

            calls.Add(told);
        }

        return told;
    }

    /// <summary>He waits no more.</summary>
    public void Leave(LockWaiter who, TaskCompletionSource<ulong> told)
    {
        lock (_gate)
        {
            if (_waiting.TryGetValue(who, out var calls) && calls.Remove(told) && calls.Count == 0)
            {
                _waiting.Remove(who);
            }
        }
    }

    /// <summary>Some have their locks, as readers of the state see.</summary>
    public void Granted(IReadOnlyList<LockGrant> grants)
    {
        lock (_gate)
        {
            foreach (var (inode, granted, ticket) in grants)
            {
                var who = new LockWaiter(inode, granted.Kind, granted.Owner, ticket);
                foreach (var told in _waiting.GetValueOrDefault(who) ?? [])
                {
                    told.TrySetResult(granted.Number);
                }
            }
        }
    }
}
