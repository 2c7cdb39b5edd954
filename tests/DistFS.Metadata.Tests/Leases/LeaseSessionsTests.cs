using DistFS.Metadata.Leases;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>Sessions that are silent, sessions that end, limits, and a change of leader.</summary>
public sealed class LeaseSessionsTests
{
    private readonly Table _table = new(null, 1, 2);

    [Fact]
    public void A_silent_holder_has_to_end_after_its_lease_time_and_then_the_others_go_on()
    {
        _table.Have(1, 7, LeaseMode.Write);
        var change = _table.Change(2, 7);
        _table.Pass(900);
        Assert.Empty(_table.Core.Effects.ToEnd);
        _table.Pass(100);
        Assert.Contains(new ClientId(1), _table.Core.Effects.ToEnd);
        Assert.Equal(LeaseTicketState.Waiting, change.State);
        _table.Core.SessionEnded(new ClientId(1), _table.NowMs);
        Assert.Equal((LeaseTicketState.Passed, 0), (change.State, _table.Core.Leases));
    }

    [Fact]
    public void Who_is_silent_and_in_nobodys_way_stays()
    {
        _table.Have(1, 7, LeaseMode.Write);
        _table.Pass(5_000);
        Assert.Empty(_table.Core.Effects.ToEnd);
    }

    [Fact]
    public void A_holder_that_is_heard_of_and_does_not_answer_ends_but_may_use_its_cache_until_its_time_is_over()
    {
        _table.Have(1, 7, LeaseMode.Write);
        var change = _table.Change(2, 7);
        _table.Pass(1_900, 1);
        Assert.Empty(_table.Core.Effects.ToEnd);
        _table.Pass(100, 1);
        Assert.Contains(new ClientId(1), _table.Core.Effects.ToEnd);
        _table.Core.SessionEnded(new ClientId(1), _table.NowMs);
        Assert.Equal(LeaseTicketState.Waiting, change.State);
        Assert.Equal(LeaseRefusal.NoSession, _table.Acquire(1, 8, LeaseMode.Read).Refusal);

        // What comes late does not prolong it.
        _table.Pass(900, 1);
        Assert.Equal(LeaseTicketState.Waiting, change.State);
        _table.Pass(100);
        Assert.Equal(LeaseTicketState.Passed, change.State);
    }

    [Fact]
    public void Our_own_pause_is_nobodys_silence()
    {
        _table.Have(1, 7, LeaseMode.Write);
        _table.Change(2, 7);
        _table.Core.Tick(60_000);
        Assert.Empty(_table.Core.Effects.ToEnd);
    }

    [Fact]
    public void Leases_of_a_session_are_bounded_and_the_oldest_are_recalled()
    {
        var table = new Table(new LeaseOptions { SessionLeasesMax = 16 }, 1, 2);
        for (var i = 0UL; i < 14; i++)
        {
            table.Have(1, i, LeaseMode.Read);
        }

        Assert.Empty(table.Recalls(1));

        // Used again, it is not the oldest.
        table.Have(1, 0, LeaseMode.Read);
        table.Have(1, 20, LeaseMode.Read);
        table.Have(1, 21, LeaseMode.Read);
        Assert.Equal([1UL, 2], table.Recalls(1).Select(recall => recall.Inode.Value));
        Assert.Equal(LeaseRefusal.TooManyLeases, table.Acquire(1, 22, LeaseMode.Read).Refusal);
        Assert.Equal(16, table.Core.Leases);
        Assert.Equal(16, table.Core.Nodes);
        table.Have(2, 22, LeaseMode.Read);
        table.Answer(1);
        table.Have(1, 22, LeaseMode.Read);
    }

    [Fact]
    public void Leases_of_all_are_bounded()
    {
        var table = new Table(new LeaseOptions { LeasesMax = 16 }, 1, 2);
        for (var i = 0UL; i < 16; i++)
        {
            table.Have(1, i, LeaseMode.Read);
        }

        Assert.Equal(LeaseRefusal.TooManyLeases, table.Acquire(2, 30, LeaseMode.Read).Refusal);
        Assert.NotEmpty(table.Recalls(1));
        table.Answer(1);
        table.Have(2, 30, LeaseMode.Read);
    }

    [Fact]
    public void Those_who_wait_are_bounded()
    {
        var table = new Table(new LeaseOptions { WaitingMax = 1 }, 1, 2);
        table.Have(1, 7, LeaseMode.Write);
        Assert.Equal(LeaseTicketState.Waiting, table.Change(2, 7).State);
        Assert.Equal(LeaseRefusal.TooManyWaiting, table.Change(2, 7).Refusal);
    }

    [Fact]
    public void A_new_leader_lets_nothing_pass_that_may_conflict_until_all_have_reclaimed()
    {
        _table.Core.Begin(2, [new(new ClientId(1), 1_000), new(new ClientId(2), 1_000)], _table.NowMs);
        var (other, look, one) = (_table.Change(3, 7), _table.Look(0, 8), _table.Change(1, 9));
        Assert.All([other, look, one], ticket => Assert.Equal(LeaseTicketState.Waiting, ticket.State));
        Assert.Equal(
            LeaseRefusal.None, _table.Core.Reclaim(new ClientId(1), new InodeId(7), LeaseMode.Write, out _));
        Assert.Equal(
            LeaseRefusal.TooLate, _table.Core.Reclaim(new ClientId(2), new InodeId(7), LeaseMode.Read, out _));

        // What it has reclaimed is its own already.
        Assert.Equal(LeaseTicketState.Passed, _table.Change(1, 7).State);
        _table.Core.ReclaimDone(new ClientId(2));
        Assert.Equal((LeaseTicketState.Passed, LeaseTicketState.Waiting), (one.State, look.State));
        _table.Core.ReclaimDone(new ClientId(1));
        Assert.Equal((LeaseTicketState.Passed, LeaseTicketState.Waiting), (look.State, other.State));
        Assert.False(_table.Core.IsGrace);
        Assert.Equal(
            LeaseRefusal.TooLate, _table.Core.Reclaim(new ClientId(1), new InodeId(9), LeaseMode.Read, out _));
        _table.Answer(1);
        Assert.Equal(LeaseTicketState.Passed, other.State);
    }

    /// <summary>
    /// Else a new lease takes the place of one that it has, and a client that did nothing wrong loses that.
    /// </summary>
    [Fact]
    public void A_session_gets_no_lease_beside_those_that_it_has_yet_to_reclaim()
    {
        var table = new Table(new LeaseOptions { SessionLeasesMax = 2 }, 1);
        table.Core.Begin(2, [new(new ClientId(1), 1_000)], table.NowMs);
        var more = table.Acquire(1, 9, LeaseMode.Read);
        Assert.Equal(LeaseTicketState.Waiting, more.State);
        foreach (var inode in (ulong[])[7, 8])
        {
            Assert.Equal(
                LeaseRefusal.None,
                table.Core.Reclaim(new ClientId(1), new InodeId(inode), LeaseMode.Write, out _));
        }

        table.Core.ReclaimDone(new ClientId(1));

        // Now there is none too many, and one has to make room.
        table.Answer(1);
        Assert.Equal(LeaseTicketState.Passed, table.Acquire(1, 9, LeaseMode.Read).State);
    }

    /// <summary>The answer was lost, so it is said again; the grace is over, and it has what it has.</summary>
    [Fact]
    public void What_was_reclaimed_can_be_reclaimed_again()
    {
        _table.Core.Begin(2, [new(new ClientId(1), 1_000)], _table.NowMs);
        Assert.Equal(
            LeaseRefusal.None, _table.Core.Reclaim(new ClientId(1), new InodeId(7), LeaseMode.Read, out var grant));
        _table.Core.ReclaimDone(new ClientId(1));
        Assert.Equal(
            LeaseRefusal.None, _table.Core.Reclaim(new ClientId(1), new InodeId(7), LeaseMode.Read, out var again));
        Assert.Equal(grant, again);
        Assert.Equal(
            LeaseRefusal.TooLate, _table.Core.Reclaim(new ClientId(1), new InodeId(7), LeaseMode.Write, out _));
        _table.Core.Release(new ClientId(1), new InodeId(7), grant, LeaseMode.None);
        Assert.Equal(
            LeaseRefusal.TooLate, _table.Core.Reclaim(new ClientId(1), new InodeId(7), LeaseMode.Read, out _));
    }

    [Fact]
    public void Who_does_not_reclaim_ends_with_the_grace()
    {
        _table.Core.Begin(2, [new(new ClientId(1), 1_000)], _table.NowMs);
        var change = _table.Change(2, 7);
        _table.Pass(900);
        Assert.Empty(_table.Core.Effects.ToEnd);
        _table.Pass(100);
        Assert.Contains(new ClientId(1), _table.Core.Effects.ToEnd);
        Assert.Equal(LeaseTicketState.Waiting, change.State);
        _table.Core.SessionEnded(new ClientId(1), _table.NowMs);
        Assert.Equal((LeaseTicketState.Passed, false), (change.State, _table.Core.IsGrace));
    }

    /// <summary>Nobody can tell its client anything, but it may answer from its cache.</summary>
    [Fact]
    public void A_new_leader_waits_for_who_was_ended_early_until_its_time_is_over()
    {
        _table.Core.Begin(2, [new(new ClientId(1), 1_000, IsEnded: true), new(new ClientId(2), 1_000)], _table.NowMs);
        var change = _table.Change(2, 7);
        _table.Core.ReclaimDone(new ClientId(2));
        Assert.False(_table.Core.MayReclaim(new ClientId(1)));
        Assert.Equal(
            LeaseRefusal.NoSession, _table.Core.Reclaim(new ClientId(1), new InodeId(7), LeaseMode.Read, out _));

        // What comes late does not prolong it.
        _table.Pass(900, 1, 2);
        Assert.Equal((LeaseTicketState.Waiting, true), (change.State, _table.Core.IsGrace));
        _table.Pass(100, 1, 2);
        Assert.Equal((LeaseTicketState.Passed, false), (change.State, _table.Core.IsGrace));
        Assert.Empty(_table.Core.Effects.ToEnd);
    }

    /// <summary>Between a verdict and what is done about it time passes.</summary>
    [Fact]
    public void A_verdict_is_of_its_moment()
    {
        _table.Have(1, 7, LeaseMode.Write);
        Assert.False(HasToEnd());
        _table.Change(2, 7);
        _table.Pass(1_000, 2);
        Assert.True(HasToEnd());
        _table.Renew(1);
        Assert.False(HasToEnd());
        _table.Pass(1_000, 1);
        Assert.True(HasToEnd());
        _table.Answer(1);
        Assert.False(HasToEnd());
        _table.Core.SessionEnded(new ClientId(1), _table.NowMs);
        Assert.False(HasToEnd());

        bool HasToEnd() => _table.Core.HasToEnd(new ClientId(1), _table.NowMs);
    }

    /// <summary>What a client has not heard of it cannot give back.</summary>
    [Fact]
    public void The_time_to_answer_begins_when_the_grant_is_told()
    {
        var grant = _table.Acquire(1, 7, LeaseMode.Write);
        _table.Change(2, 7);
        var first = Assert.Single(_table.Recalls(1));
        _table.Pass(3_000, 1);
        Assert.Empty(_table.Core.Effects.ToEnd);
        _table.Core.Told(grant, _table.NowMs);
        var second = Assert.Single(_table.Recalls(1));
        Assert.True(second.Number > first.Number);
        _table.Pass(1_900, 1);
        Assert.Empty(_table.Core.Effects.ToEnd);
        _table.Pass(100, 1);
        Assert.Contains(new ClientId(1), _table.Core.Effects.ToEnd);

        // To say it again gives no more time.
        _table.Core.Told(grant, _table.NowMs);
        Assert.True(_table.Core.HasToEnd(new ClientId(1), _table.NowMs));
    }

    [Fact]
    public void A_grant_that_is_not_told_hides_no_recall_that_is()
    {
        _table.Acquire(1, 7, LeaseMode.Write);
        _table.Have(1, 8, LeaseMode.Write);
        _table.Change(2, 7);
        _table.Change(2, 8);
        _table.Pass(2_000, 1);
        Assert.Contains(new ClientId(1), _table.Core.Effects.ToEnd);
    }

    /// <summary>The holder is told of the recall alone: that is its turn to answer.</summary>
    [Fact]
    public void A_grant_that_is_withdrawn_is_answered_in_time_too()
    {
        var grant = _table.Acquire(1, 7, LeaseMode.Write);
        _table.Core.Withdraw(grant);
        _table.Pass(1_900, 1);
        _table.Core.Withdraw(grant);
        Assert.Empty(_table.Core.Effects.ToEnd);
        _table.Pass(100, 1);
        Assert.Contains(new ClientId(1), _table.Core.Effects.ToEnd);
    }

    [Fact]
    public void Recalls_come_in_order_and_so_many_as_are_asked_for()
    {
        for (var i = 0UL; i < 10; i++)
        {
            _table.Have(1, i, LeaseMode.Read);
            _table.Change(2, i);
        }

        // Answered in whatever order.
        var all = _table.Recalls(1);
        _table.Core.Release(new ClientId(1), all[4].Inode, all[4].Grant, LeaseMode.None);
        all.RemoveAt(4);
        Assert.Equal(all, _table.Recalls(1));
        Assert.Equal(all[3..], _table.Recalls(1, after: all[2].Number));
        Assert.Empty(_table.Recalls(1, after: all[^1].Number));
        var some = new List<LeaseRecall>();
        _table.Core.Recalls(new ClientId(1), all[2].Number, 2, some);
        Assert.Equal(all[3..5], some);
    }

    [Fact]
    public void Who_waits_when_the_leadership_is_lost_is_told_and_nothing_is_left()
    {
        _table.Have(1, 7, LeaseMode.Write);
        var (change, held) = (_table.Change(2, 7), _table.Change(2, 8));
        _table.Core.Stop();
        Assert.Equal((LeaseTicketState.Ended, LeaseRefusal.NotLeader), (change.State, change.Refusal));
        Assert.Equal(LeaseRefusal.NotLeader, _table.Change(2, 7).Refusal);
        _table.Core.Begin(3, [], _table.NowMs);
        _table.Core.Leave(held);
        Assert.Equal((0, 0), (_table.Core.Nodes, _table.Core.Leases));
    }

    [Fact]
    public void An_operation_of_an_earlier_leadership_gets_nothing_more()
    {
        var change = _table.Change(1, 7);
        _table.Core.Begin(3, [], _table.NowMs);
        Assert.False(_table.Core.TryExtend(change, [new LeaseNeed(LeaseNeedKind.Look, 1)], _table.NowMs));
    }

    [Fact]
    public void A_grant_that_is_not_told_is_recalled()
    {
        var grant = _table.Have(1, 7, LeaseMode.Read);
        _table.Core.Withdraw(grant);
        Assert.Equal(grant.Grant, Assert.Single(_table.Recalls(1)).Grant);
        Assert.Equal(LeaseMode.Read, _table.ModeOf(1, 7));
    }
}
