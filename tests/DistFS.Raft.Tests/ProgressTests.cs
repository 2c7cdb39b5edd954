namespace DistFS.Raft.Tests;

/// <summary>What a leader knows of a follower, and how that moves (thesis, 10.2.1).</summary>
public sealed class ProgressTests
{
    private static readonly RaftOptions Options = new()
    {
        Self = new MemberId(1),
        InflightAppendsMax = 3,
        InflightBytesMax = 1000,
    };

    [Fact]
    public void A_probe_waits_for_its_answer_or_a_heartbeats()
    {
        var member = New(next: 10);
        Assert.Equal(ProgressState.Probe, member.State);
        Assert.True(member.MayAppend(Options));
        member.Sent(At(12), 100);
        Assert.False(member.MayAppend(Options));
        Assert.Equal(At(10), member.Next);
        member.Beat(At(10));
        Assert.True(member.MayAppend(Options));
    }

    [Fact]
    public void The_window_closes_by_appends_and_by_bytes()
    {
        var member = Replicating();
        for (var i = 0UL; i < 3; i++)
        {
            Assert.True(member.MayAppend(Options));
            member.Sent(At(11 + i), 10);
        }

        Assert.False(member.MayAppend(Options));
        Assert.Equal(At(14), member.Next);
        member.Accepted(At(12));
        Assert.Equal(1, member.InflightCount);
        Assert.True(member.MayAppend(Options));
        member.Sent(At(14), 5000);
        Assert.False(member.MayAppend(Options));
        member.Accepted(At(14));
        Assert.True(member.MayAppend(Options));
    }

    [Fact]
    public void A_match_never_goes_back_by_an_old_answer()
    {
        var member = Replicating();
        member.Sent(At(12), 10);
        Assert.True(member.Accepted(At(12)));
        Assert.False(member.Accepted(At(11)));
        Assert.Equal(At(12), member.Match);
        Assert.Equal(At(13), member.Next);
        Assert.False(member.Rejected(At(12), At(5)));
        Assert.Equal(ProgressState.Replicate, member.State);
    }

    [Theory]
    [InlineData(20, 15, 16)]
    [InlineData(20, 19, 20)]
    [InlineData(20, 25, 20)]
    [InlineData(20, 3, 11)]
    public void A_rejection_goes_back_to_where_the_logs_may_agree(ulong rejected, ulong agree, ulong next)
    {
        var member = Replicating();
        member.Sent(At(30), 10);
        Assert.True(member.Rejected(At(rejected), At(agree)));
        Assert.Equal(ProgressState.Probe, member.State);
        Assert.Equal(At(next), member.Next);
        Assert.Equal(0, member.InflightCount);
    }

    [Fact]
    public void A_probe_listens_only_to_the_answer_it_waits_for()
    {
        var member = New(next: 10);
        member.Sent(At(12), 10);
        Assert.False(member.Rejected(At(7), At(3)));
        Assert.True(member.Rejected(At(9), At(3)));
        Assert.Equal(At(4), member.Next);
        Assert.True(member.MayAppend(Options));
    }

    /// <summary>However the answers look, a probe goes back at least by one, and never behind what is known.</summary>
    [Fact]
    public void Probing_ends()
    {
        var prng = new Prng(5);
        for (var i = 0; i < 1000; i++)
        {
            var member = New(next: 50);
            for (var steps = 0; member.Next > At(1); steps++)
            {
                Assert.True(steps < 50);
                var before = member.Next;
                Assert.True(member.Rejected(member.Next.Previous, At(prng.NextBelow(60))));
                Assert.True(member.Next < before);
            }
        }
    }

    [Fact]
    public void Beats_without_news_mean_that_something_was_lost()
    {
        var member = Replicating();
        member.Sent(At(12), 10);
        member.Beat(At(10));
        member.Beat(At(10));
        Assert.Equal(ProgressState.Replicate, member.State);
        member.Beat(At(10));
        Assert.Equal(ProgressState.Probe, member.State);
        Assert.Equal(At(11), member.Next);

        // With nothing on the way, silence is as it should be; and news starts the count again.
        member = Replicating();
        for (var i = 0; i < 10; i++)
        {
            member.Beat(At(10));
        }

        Assert.Equal(ProgressState.Replicate, member.State);
        member.Sent(At(11), 10);
        member.Sent(At(12), 10);
        member.Beat(At(10));
        member.Beat(At(10));
        member.Accepted(At(11));
        member.Beat(At(10));
        Assert.Equal(ProgressState.Replicate, member.State);
    }

    /// <summary>What arrived is on its way to a disk, or its answer was lost: a question is enough.</summary>
    [Fact]
    public void What_has_arrived_is_asked_for_and_not_sent_again()
    {
        var member = Replicating();
        member.Sent(At(12), 10);
        var questions = 0;
        for (var i = 0; i < 100; i++)
        {
            member.Beat(At(12));
            questions += member.TakeQuestion() ? 1 : 0;
        }

        Assert.Equal((ProgressState.Replicate, At(13)), (member.State, member.Next));
        Assert.InRange(questions, 3, 7);
    }

    /// <summary>Each time that it was no help, twice as many heartbeats; a loss that is known of starts anew.</summary>
    [Fact]
    public void A_probe_is_repeated_less_and_less_often()
    {
        var member = New(next: 10);
        var probes = 0;
        for (var i = 0; i < 63; i++)
        {
            Probe();
            member.Beat(At(10));
        }

        Assert.Equal(6, probes);
        member.Unreachable();
        member.Beat(At(10));
        Assert.True(member.MayAppend(Options));

        void Probe()
        {
            if (member.MayAppend(Options))
            {
                probes++;
                member.Sent(At(12), 100);
            }
        }
    }

    [Fact]
    public void Who_rests_in_a_probe_is_asked_at_the_same_place()
    {
        var member = New(next: 10);
        member.Sent(At(12), 100);
        for (var i = 0; i < 40; i++)
        {
            member.Beat(At(10));
            member.Sent(At(12), 100);
        }

        member.Rest();
        Assert.False(member.MayAppend(Options));
        member.Beat(At(10));
        Assert.True(member.MayAppend(Options));
        Assert.Equal(At(10), member.Next);
    }

    [Fact]
    public void What_was_lost_is_not_known_any_more()
    {
        var member = Replicating();
        member.Lost(At(10));
        Assert.Equal(ProgressState.Replicate, member.State);
        member.Lost(At(4));
        Assert.Equal((At(4), At(5), ProgressState.Probe), (member.Match, member.Next, member.State));
    }

    [Fact]
    public void Who_rests_is_sent_nothing_until_it_answers()
    {
        var member = Replicating();
        member.BecomeSnapshot(Snapshot(100));
        Assert.False(member.MayAppend(Options));
        member.Rest();
        Assert.Null(member.Transfer);
        Assert.False(member.MayAppend(Options));
        member.Beat(At(10));
        Assert.True(member.MayAppend(Options));
    }

    [Fact]
    public void A_transfer_goes_on_where_the_follower_wants()
    {
        var transfer = new SnapshotTransfer(Snapshot(100)) { Sent = 10 };
        transfer.Wants(60);
        Assert.Equal((60L, 60L), (transfer.Acknowledged, transfer.Sent));
        transfer.Sent = 90;
        transfer.Wants(70);
        Assert.Equal((70L, 90L), (transfer.Acknowledged, transfer.Sent));
        Assert.False(transfer.IsWantedAgain);

        // The same again is no news: nothing is sent at once, or each loss would multiply itself.
        transfer.IdleTicks = 1;
        transfer.Wants(70);
        Assert.Equal((90L, true, 1), (transfer.Sent, transfer.IsWantedAgain, transfer.IdleTicks));
        transfer.Restart();
        Assert.Equal((70L, false, 0), (transfer.Sent, transfer.IsWantedAgain, transfer.IdleTicks));

        // It threw everything away.
        transfer.Sent = 100;
        transfer.Wants(0);
        transfer.Restart();
        Assert.Equal(0, transfer.Sent);
    }

    private static Progress New(ulong next) => new(new MemberId(2), At(next));

    private static Progress Replicating()
    {
        var member = New(next: 5);
        member.Accepted(At(10));
        member.BecomeReplicate();
        return member;
    }

    private static LogIndex At(ulong index) => new(index);

    private static SnapshotMeta Snapshot(long bytes) => new()
    {
        Id = 1,
        Last = new EntryId(new Term(1), At(50)),
        Configuration = RaftConfiguration.Empty,
        SizeBytes = bytes,
        Checksum = 0,
    };
}
