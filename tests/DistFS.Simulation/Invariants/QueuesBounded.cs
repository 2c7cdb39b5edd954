using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>Nothing that waits grows without bound: uncommitted bytes, appends on the way, Ready values.</summary>
public sealed class QueuesBounded(RaftOptions options, int commandBytesMax) : Invariant
{
    // Entries of Raft itself are never refused: one no-op and the two of a change of members.
    private const int OwnEntriesBytes = 16 << 10;

    /// <inheritdoc/>
    public override string Name => "queues are bounded";

    /// <inheritdoc/>
    public override void OnStatus(MemberShadow member, RaftStatus before, RaftStatus now)
    {
        var bound = options.UncommittedBytesMax + commandBytesMax + RaftEntry.OverheadBytes + OwnEntriesBytes;
        Must(now.UncommittedBytes <= bound, $"{member} has {now.UncommittedBytes} uncommitted bytes of {bound}");
        foreach (var progress in now.Progress)
        {
            Must(
                progress.Inflight <= options.InflightAppendsMax,
                $"{member} has {progress.Inflight} appends on the way to {progress.Id}");
        }
    }
}
