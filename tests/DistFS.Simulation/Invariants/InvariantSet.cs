using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>All invariants of a world, told together. To add one: a class, a line in the constructor, a test.</summary>
public sealed class InvariantSet
{
    private readonly Invariant[] _all;

    /// <summary>Those of a world whose members run with these options, and those of its state machine.</summary>
    public InvariantSet(
        RaftOptions options, int commandBytesMax, Func<Oracle, IEnumerable<Invariant>> ofMachine)
    {
        ArgumentNullException.ThrowIfNull(ofMachine);
        Logs = new LogMatching();
        Elections = new ElectionSafety();
        _all =
        [
            Elections,
            new MonotoneStatus(),
            new DurableBeforeReply(),
            new DurableSurvives(Logs),
            new LeaderCompleteness(Oracle),
            new CommittedNeverOverwritten(Oracle),
            Logs,
            new OwnTermCommit(),
            new CommittedIsDurable(Oracle),
            new ConfigurationOrder(Oracle),
            new ConfigurationQuorums(),
            .. ofMachine(Oracle),
            new StateMachineSafety(Oracle),
            new ReadFreshness(Oracle),
            new QueuesBounded(options, commandBytesMax),
        ];
    }

    /// <summary>What is committed.</summary>
    public Oracle Oracle { get; } = new();

    /// <summary>Every entry that ever was.</summary>
    public LogMatching Logs { get; }

    /// <summary>Who led when.</summary>
    public ElectionSafety Elections { get; }

    /// <summary>Tells all of them.</summary>
    public void Tell(Action<Invariant> what)
    {
        foreach (var invariant in _all)
        {
            what(invariant);
        }
    }

    /// <summary>A member may have changed: compares, notes what a leader committed, and tells the invariants.</summary>
    public void Observe(MemberShadow member, RaftStatus before, RaftStatus now)
    {
        var changed = before.Term != now.Term || before.Role != now.Role || before.Commit != now.Commit
            || before.Vote != now.Vote || before.Applied != now.Applied
            || !ReferenceEquals(before.Configuration, now.Configuration) || now.Role == RaftRole.Leader;
        if (!changed)
        {
            return;
        }

        foreach (var invariant in _all)
        {
            invariant.OnStatus(member, before, now);
        }

        if (now.Role == RaftRole.Leader && (before.Role != RaftRole.Leader || before.Term != now.Term))
        {
            Tell(invariant => invariant.OnLeader(member, now.Term));
        }

        // Only a leader's commit index says what is committed; whoever led until now may have counted last of all.
        if (now.Commit > before.Commit && (now.Role == RaftRole.Leader || before.Role == RaftRole.Leader)
            && now.Term == before.Term)
        {
            Commit(member, now, before.Commit);
        }
    }

    private void Commit(MemberShadow leader, RaftStatus now, LogIndex before)
    {
        Tell(invariant => invariant.OnCounted(leader, now, before));
        while (Oracle.Commit < now.Commit && Oracle.Commit.Next is var index)
        {
            if (leader.Log.TermAt(index) is not { } term || index <= leader.Log.Base.Index)
            {
                throw new InvariantException("log", $"{leader} commits {now.Commit} and has no {index}");
            }

            Oracle.Add(new EntryId(term, index), leader.Log.HashAt(index), now.Term);
        }
    }
}
