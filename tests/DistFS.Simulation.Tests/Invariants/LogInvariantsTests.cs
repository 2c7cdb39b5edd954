using DistFS.Primitives;
using DistFS.Raft;
using static DistFS.Simulation.Tests.Invariants.Shadows;

namespace DistFS.Simulation.Tests.Invariants;

/// <summary>Each invariant of logs, commits and state machines is fed what it must refuse, and what it must
/// not.</summary>
public sealed class LogInvariantsTests
{
    private readonly Oracle _oracle = new();

    [Fact]
    public void TwoEntriesOfOneName()
    {
        var matching = new LogMatching();
        matching.OnAppend(Member(1), Entry(1, 1, content: 5));
        matching.OnAppend(Member(2), Entry(1, 1, content: 5));
        Fails(() => matching.OnAppend(Member(3), Entry(1, 1, content: 6)));
    }

    [Fact]
    public void OneEntryAfterTwoDifferentOnes()
    {
        var matching = new LogMatching();
        matching.OnAppend(Member(1, 1), Entry(3, 2));
        Fails(() => matching.OnAppend(Member(2, 2), Entry(3, 2)));
    }

    [Fact]
    public void AGapAndATermThatFalls()
    {
        var matching = new LogMatching();
        Fails(() => matching.OnAppend(Member(1, 1), Entry(1, 3)));
        Fails(() => matching.OnAppend(Member(1, 2), Entry(1, 2)));
    }

    /// <summary>Raft paper, figure 8.</summary>
    [Fact]
    public void ACommitOfAnOldTermByCounting()
    {
        var own = new OwnTermCommit();
        own.OnCounted(Member(1, 1, 2), Status(2, RaftRole.Leader, commit: 2), default);
        Fails(() => own.OnCounted(Member(1, 1, 2), Status(3, RaftRole.Leader, commit: 2), default));
    }

    [Fact]
    public void ACommitThatNoQuorumHasOnDisk()
    {
        var leader = Member(1, 1);
        _oracle.Add(leader);
        _oracle.Add(Member(2));
        _oracle.Add(Member(3));
        var durable = new CommittedIsDurable(_oracle);
        var now = Status(1, RaftRole.Leader, commit: 1);
        Fails(() => durable.OnCounted(leader, now, default));
        _oracle.Add(Member(3, 1));
        durable.OnCounted(leader, now, default);
        _oracle.Add(Member(3, 2));
        Fails(() => durable.OnCounted(leader, now, default));
    }

    [Fact]
    public void ACommittedEntryThatIsOverwrittenOrNeverWas()
    {
        Commit(_oracle, 1, 2);
        var kept = new CommittedNeverOverwritten(_oracle);
        kept.OnAppend(Member(3, 1), Entry(1, 2));
        Fails(() => kept.OnAppend(Member(1, 1, 2), Entry(3, 2)));
        Fails(() => kept.OnAppend(Member(2, 1, 3), Entry(3, 2)));
        kept.OnApplied(Member(1), Entry(2, 2), 0);
        Fails(() => kept.OnApplied(Member(1), Entry(3, 2), 0));
        Fails(() => kept.OnApplied(Member(1), Entry(2, 3), 0));
    }

    /// <summary>
    /// An entry of t1 on a majority, of which one member sleeps; t2's leader, cut off, replaces it there, when t3's has
    /// long committed it with the others.
    /// </summary>
    [Fact]
    public void ACommittedEntryIsReplacedWhereNobodyHasHeardOfTheTermThatCommittedIt()
    {
        _oracle.Add(Entry(1, 1).Id, ShadowLog.HashOf(Entry(1, 1)), new Term(3));
        var kept = new CommittedNeverOverwritten(_oracle);
        var sleeper = Member(5, 1);
        kept.OnAppend(sleeper, Entry(2, 1));
        sleeper.HandedOut(new RaftReady { Sequence = 2, HardState = Hard(3) });
        Fails(() => kept.OnAppend(sleeper, Entry(2, 1)));
    }

    [Fact]
    public void StatesThatDiffer()
    {
        Commit(_oracle, 1, 1, 1);
        var safety = new StateMachineSafety(_oracle);
        safety.OnApplied(Member(1), Entry(1, 1), 100);
        Fails(() => safety.OnApplied(Member(2), Entry(1, 1), 101));
        Fails(() => safety.OnRestored(Member(3), new LogIndex(1), 101));
    }

    [Fact]
    public void AStateMachineThatSkipsOrGoesBack()
    {
        Commit(_oracle, 1, 1, 1);
        var safety = new StateMachineSafety(_oracle);
        var member = Member(1);
        safety.OnApplied(member, Entry(1, 1), 100);
        Fails(() => safety.OnApplied(member, Entry(1, 3), 300));
        safety.OnRestored(member, new LogIndex(3), 300);
        Fails(() => safety.OnRestored(member, new LogIndex(2), 200));
        Fails(() => safety.OnApplied(member, Entry(1, 3), 300));
    }

    [Fact]
    public void ARequestThatIsExecutedTwice()
    {
        var once = new ExecutedOnce();
        once.OnExecuted(Member(1), new LogIndex(1), Reply(7, executed: true));
        once.OnExecuted(Member(2), new LogIndex(1), Reply(7, executed: true));
        once.OnExecuted(Member(1), new LogIndex(2), Reply(7, executed: false));
        Fails(() => once.OnExecuted(Member(1), new LogIndex(2), Reply(7, executed: true)));
        Fails(() => once.OnExecuted(Member(3), new LogIndex(1), Reply(8, executed: true)));
        Fails(() => once.OnExecuted(Member(3), new LogIndex(2), Reply(8, executed: false)));
    }

    [Fact]
    public void AnAcknowledgementThatNothingStandsBehind()
    {
        var once = new ExecutedOnce();
        var survives = new AcknowledgedSurvives(_oracle, once);
        var reply = Reply(7, executed: true);
        Fails(() => survives.OnAcknowledged(reply.Client, reply.Sequence, reply.Reply));
        once.OnExecuted(Member(1), new LogIndex(1), reply);
        survives.OnAcknowledged(reply.Client, reply.Sequence, reply.Reply);
        Commit(_oracle, 1);
        _oracle.Add(Member(1, 1));
        survives.OnEnd();
        Commit(_oracle, 2);
        _oracle.Add(Member(1, 2, 2));
        Fails(survives.OnEnd);
    }

    [Fact]
    public void ConfigurationsWithoutACommonQuorum()
    {
        var quorums = new ConfigurationQuorums();
        quorums.Examine(Voters(1, 2, 3), Voters(1, 2, 3, 4));
        quorums.Examine(Voters(1, 2, 3), Voters(1, 2, 3).Towards(Voters(3, 4, 5)));
        Fails(() => quorums.Examine(Voters(1, 2, 3), Voters(3, 4, 5)));
        Fails(() => quorums.OnStatus(
            Member(1),
            Status(1, RaftRole.Leader, configuration: Voters(1, 2, 3)),
            Status(1, RaftRole.Leader, configuration: Voters(1, 2, 3, 4, 5))));
    }

    /// <summary>The bug of 2015: a change before the leader has committed an entry of its own term.</summary>
    [Fact]
    public void AChangeOfMembersBeforeTheOwnNoOp()
    {
        var order = new ConfigurationOrder(_oracle);
        Commit(_oracle, 1);
        order.OnAppend(Member(1), Entry(1, 2, kind: EntryKind.Configuration));
        Fails(() => order.OnAppend(Member(1), Entry(1, 3, kind: EntryKind.Configuration)));
        Fails(() => order.OnAppend(Member(2), Entry(2, 3, kind: EntryKind.Configuration)));
        Commit(_oracle, 2);
        order.OnAppend(Member(2), Entry(2, 3, kind: EntryKind.Configuration));
    }

    private static MachineReply Reply(byte content, bool executed) =>
        new(new ClientId(1), new SequenceNumber(1), [content], executed);
}
