namespace DistFS.Metaserver.Consensus;

/// <summary>
/// Calls whose outcome is known, on their way to who awaits them: they go on one after the other on one thread of the
/// pool, which costs one hand-over for a whole group. Used again.
/// </summary>
internal sealed class EndedCalls : IThreadPoolWorkItem
{
    private const int FreeMax = 64;

    private static readonly Lock Gate = new();
    private static readonly Stack<EndedCalls> Free = new();

    private readonly List<(PendingCall<ProposalOutcome> Call, int Lease, ProposalOutcome Outcome)> _proposals = [];
    private readonly List<(PendingCall<ReadOutcome> Call, int Lease, ReadOutcome Outcome)> _reads = [];

    /// <summary>How many there are.</summary>
    public int Count => _proposals.Count + _reads.Count;

    /// <summary>An empty one.</summary>
    public static EndedCalls Rent()
    {
        lock (Gate)
        {
            return Free.TryPop(out var free) ? free : new EndedCalls();
        }
    }

    public void Add(PendingCall<ProposalOutcome> call, int lease, in ProposalOutcome outcome) =>
        _proposals.Add((call, lease, outcome));

    public void Add(PendingCall<ReadOutcome> call, int lease, in ReadOutcome outcome) =>
        _reads.Add((call, lease, outcome));

    /// <inheritdoc/>
    public void Execute()
    {
        foreach (var (call, lease, outcome) in _proposals)
        {
            call.TryEnd(lease, outcome, inline: true);
        }

        foreach (var (call, lease, outcome) in _reads)
        {
            call.TryEnd(lease, outcome, inline: true);
        }

        _proposals.Clear();
        _reads.Clear();
        lock (Gate)
        {
            if (Free.Count < FreeMax)
            {
                Free.Push(this);
            }
        }
    }
}
