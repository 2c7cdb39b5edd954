using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// The proposals that are in this leader's log and not yet applied, by index. The core's thread adds, in the order of
/// the log; the apply lane takes.
/// </summary>
internal sealed class ProposalTable
{
    private static readonly ProposalOutcome Replaced =
        new(CallStatus.Replaced, Reason: "Another leader's entry took its place.");

    private static readonly ProposalOutcome InSnapshot =
        new(CallStatus.Unknown, Reason: "The state came from another member, without the replies to single commands.");

    private readonly Lock _gate = new();
    private readonly Queue<Proposed> _proposed = new();

    /// <summary>The term of the last one; zero without any.</summary>
    public Term LastTerm { get; private set; }

    /// <summary>How many there are, awaited or not.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _proposed.Count;
            }
        }
    }

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

    /// <summary>
    /// An entry was applied: ends the call that proposed it, or another one of its index, and whatever is from before
    /// it: a snapshot brought that, and nobody can say what was in it.
    /// </summary>
    /// <returns>When the call began whose entry it was; 0 without one.</returns>
    public long Applied(EntryId id, ReadOnlyMemory<byte> reply, EndedCalls ended)
    {
        var startedAt = 0L;
        while (TryTake(id.Index, out var proposed))
        {
            if (proposed.Id == id)
            {
                startedAt = proposed.Call.StartedAt;
                ended.Add(proposed.Call, proposed.Lease, new ProposalOutcome(CallStatus.Done, id, reply));
            }
            else
            {
                ended.Add(
                    proposed.Call, proposed.Lease, proposed.Id.Index == id.Index ? Replaced : InSnapshot);
            }
        }

        return startedAt;
    }

    /// <summary>The state machine was put to a snapshot.</summary>
    public void Restored(LogIndex index, EndedCalls ended)
    {
        while (TryTake(index, out var proposed))
        {
            ended.Add(proposed.Call, proposed.Lease, InSnapshot);
        }
    }

    /// <summary>Drops those for which nobody waits any more.</summary>
    public void ForgetEnded()
    {
        lock (_gate)
        {
            for (var left = _proposed.Count; left > 0; left--)
            {
                var proposed = _proposed.Dequeue();
                if (proposed.Call.IsWaiting(proposed.Lease))
                {
                    _proposed.Enqueue(proposed);
                }
            }
        }
    }

    /// <param name="Id">The entry.</param>
    /// <param name="Call">Who waits.</param>
    /// <param name="Lease">Of the call.</param>
    public readonly record struct Proposed(EntryId Id, PendingCall<ProposalOutcome> Call, int Lease);
}
