using DistFS.Primitives;
using DistFS.Raft;
using static DistFS.Simulation.Tests.Invariants.Shadows;

namespace DistFS.Simulation.Tests.Invariants;

/// <summary>Each invariant of terms, votes and leaders is fed what it must refuse, and what it must not.</summary>
public sealed class ElectionInvariantsTests
{
    private readonly Oracle _oracle = new();

    [Fact]
    public void TwoLeadersOfOneTerm()
    {
        var safety = new ElectionSafety();
        safety.OnStatus(Member(1), Status(1), Status(2, RaftRole.Leader));
        safety.OnStatus(Member(2), Status(1), Status(3, RaftRole.Leader));
        Assert.Equal(2, safety.Elections);
        Fails(() => safety.OnStatus(Member(2), Status(1), Status(2, RaftRole.Leader)));
    }

    [Fact]
    public void ALeaderWithoutACommittedEntry()
    {
        Commit(_oracle, 1, 1);
        var completeness = new LeaderCompleteness(_oracle);
        completeness.OnLeader(Member(1, 1, 1), new Term(2));

        // An old term's late winner need not have what a later one committed.
        completeness.OnLeader(Member(2, 1), new Term(1));
        Fails(() => completeness.OnLeader(Member(2, 1), new Term(2)));
        Fails(() => completeness.OnLeader(Member(3, 1, 2), new Term(3)));
    }

    [Fact]
    public void ATermThatGoesBackAndASecondVote()
    {
        var monotone = new MonotoneStatus();
        monotone.OnStatus(Member(1), Status(1, vote: 2), Status(2, vote: 3));
        Fails(() => monotone.OnStatus(Member(1), Status(2), Status(1)));
        Fails(() => monotone.OnStatus(Member(1), Status(2, vote: 2), Status(2, vote: 3)));
        Fails(() => monotone.OnStatus(Member(1), Status(2, commit: 5), Status(2, commit: 4)));
        Fails(() => monotone.OnStatus(Member(1), Status(2), Status(2, commit: 4, applied: 5)));
    }

    [Fact]
    public void TwoVotesOfOneTermOverARestart()
    {
        var monotone = new MonotoneStatus();
        monotone.OnSend(Member(1), Vote(to: 2, term: 3));
        monotone.OnSend(Member(1), Vote(to: 2, term: 3));
        Fails(() => monotone.OnSend(Member(1), Vote(to: 3, term: 3)));
    }

    [Fact]
    public void AVoteOrAnAcknowledgementThatIsNotOnDisk()
    {
        var durable = new DurableBeforeReply();
        var member = Member(1, 3);
        Fails(() => durable.OnSend(member, Vote(to: 2, term: 3)));
        var ready = new RaftReady { Sequence = 1, HardState = Hard(3, vote: 2) };
        member.HandedOut(ready);
        Fails(() => durable.OnSend(member, Vote(to: 2, term: 3)));
        member.Persisted(ready, installed: false);
        durable.OnSend(member, Vote(to: 2, term: 3));
        Fails(() => durable.OnSend(member, Vote(to: 3, term: 3)));
        durable.OnSend(member, Appended(1, term: 3));
        Fails(() => durable.OnSend(member, Appended(2, term: 3)));
        Fails(() => durable.OnSend(member, Appended(1, term: 4)));
    }

    /// <summary>The write that brought what is acknowledged went on to cut it off, in a later term.</summary>
    [Fact]
    public void AnAcknowledgementOfATermThatIsOver()
    {
        var durable = new DurableBeforeReply();
        var member = Member(1, 3, 3);
        var cut = new RaftReady { Sequence = 1, HardState = Hard(4), Append = [Entry(4, 1)] };
        member.HandedOut(cut);
        member.Persisted(cut, installed: false);
        durable.OnSend(member, Appended(2, term: 3));
        Fails(() => durable.OnSend(member, Appended(3, term: 3)));
        Fails(() => durable.OnSend(member, Appended(2, term: 4)));
    }

    [Fact]
    public void ACandidateThatBoastsOfWhatIsNotOnDisk()
    {
        var durable = new DurableBeforeReply();
        var member = Member(1, 3);
        var ready = new RaftReady { Sequence = 1, HardState = Hard(4, vote: 1) };
        Fails(() => durable.OnSend(member, Campaign(Id(3, 1))));
        member.HandedOut(ready);
        member.Persisted(ready, installed: false);
        durable.OnSend(member, Campaign(Id(3, 1)));
        Fails(() => durable.OnSend(member, Campaign(Id(3, 2))));
    }

    [Fact]
    public void ReadsThatMissACommit()
    {
        var freshness = new ReadFreshness(_oracle);
        Commit(_oracle, 1);
        freshness.OnReadAsked(Member(1), 7);
        freshness.OnReadAsked(Member(1), 8);
        Commit(_oracle, 1);
        freshness.OnReadGranted(Member(1), new ReadGranted(7, new LogIndex(1)));
        Fails(() => freshness.OnReadGranted(Member(1), new ReadGranted(8, default)));
        Fails(() => freshness.OnReadGranted(Member(1), new ReadGranted(9, new LogIndex(1))));
    }

    [Fact]
    public void QueuesWithoutBound()
    {
        var queues = new QueuesBounded(new RaftOptions { Self = new MemberId(1), UncommittedBytesMax = 1_000 }, 100);
        queues.OnStatus(Member(1), Status(1), Status(1, uncommitted: 1_100));
        Fails(() => queues.OnStatus(Member(1), Status(1), Status(1, uncommitted: 100_000)));
    }

    private static VoteReply Vote(ulong to, ulong term) =>
        new() { From = new MemberId(1), To = new MemberId(to), Term = new Term(term), Granted = true };

    private static VoteRequest Campaign(EntryId last) =>
        new() { From = new MemberId(1), To = new MemberId(2), Term = new Term(4), Last = last };

    private static AppendReply Appended(ulong index, ulong term) => new()
    {
        From = new MemberId(1),
        To = new MemberId(2),
        Term = new Term(term),
        Rejected = false,
        Index = new LogIndex(index),
    };
}
