using DistFS.Primitives;

namespace DistFS.Mount;

/// <summary>
/// What a mount could not do of late, so that whoever got an EIO can ask why. Equal ones are counted together. Any
/// thread.
/// </summary>
/// <param name="clock">Says when.</param>
/// <param name="max">So many different ones are remembered, those that came last.</param>
public sealed class RecentFailures(TimeProvider clock, int max = 64)
{
    private readonly Lock _gate = new();

    // The last one last.
    private readonly LinkedList<RecentFailure> _failures = [];

    /// <summary>One more.</summary>
    public void Add(DistFsException failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            var added = new RecentFailure(failure.Code.Id, failure.Message, 1, now, now);
            for (var node = _failures.Last; node != null; node = node.Previous)
            {
                if (node.Value.Code == added.Code && node.Value.Message == added.Message)
                {
                    added = node.Value with { Times = node.Value.Times + 1, Last = now };
                    _failures.Remove(node);
                    break;
                }
            }

            _failures.AddLast(added);
            if (_failures.Count > max)
            {
                _failures.RemoveFirst();
            }
        }
    }

    /// <summary>All that are remembered, the last one first.</summary>
    public IReadOnlyList<RecentFailure> Snapshot()
    {
        lock (_gate)
        {
            return [.. _failures.Reverse()];
        }
    }
}

/// <summary>Something that could not be done.</summary>
/// <param name="Code">As <c>dfs explain</c> knows it.</param>
/// <param name="Message">For people.</param>
/// <param name="Times">How often.</param>
/// <param name="First">For the first time.</param>
/// <param name="Last">For the last time.</param>
public sealed record RecentFailure(string Code, string Message, long Times, DateTimeOffset First, DateTimeOffset Last);
