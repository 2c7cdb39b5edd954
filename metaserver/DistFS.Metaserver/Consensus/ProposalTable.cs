using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// The proposals that are in this leader's log and not yet applied, by index. The core's thread adds, in the order of
/// the log; the apply lane takes.
/// </summary>
internal sealed class ProposalTable
{
    private readonly Lock _gate = new();
    private readonly Queue<Proposed> _proposed = new();

    /// <summary>The term of the last one; zero without any.</summary>
    public Term LastTerm { get; private set; }

    /// <summary>Adds one; its index is after all that are here.</summary>
    public void Add(EntryId id, PendingCall<ProposalOutcome> call, int lease)
    {
        lock (_gate)
        {
            _proposed.Enqueue(new Proposed(id, call, lease));
            LastTerm = id.Term;
        }
    }

    /// <summary>Takes the first if it is not after that index.</summary>
    public bool TryTake(LogIndex index, out Proposed proposed)
    {
        lock (_gate)
        {
            return _proposed.TryPeek(out proposed) && proposed.Id.Index <= index && _proposed.TryDequeue(out proposed);
        }
    }

    /// <param name="Id">The entry.</param>
    /// <param name="Call">Who waits.</param>
    /// <param name="Lease">Of the call.</param>
    public readonly record struct Proposed(EntryId Id, PendingCall<ProposalOutcome> Call, int Lease);
}
