using System.Diagnostics;
using DistFS.Metadata.Leases;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>docs/design/leases.md: who may have what, who waits for whom.</summary>
public sealed class LeaseTableTests
{
    private readonly Table _table = new(null, 1, 2, 3);

    [Fact]
    public void Readers_share_and_a_writer_is_alone()
    {
        _table.Have(1, 7, LeaseMode.Read);
        _table.Have(2, 7, LeaseMode.Read);
        var writer = _table.Acquire(3, 7, LeaseMode.Write);
        Assert.Equal(LeaseTicketState.Waiting, writer.State);
        _table.Answer(1);
        Assert.Equal(LeaseTicketState.Waiting, writer.State);
        _table.Answer(2);
        Assert.Equal((LeaseTicketState.Passed, LeaseMode.Write), (writer.State, writer.Mode));
        Assert.Equal((1, 1), (_table.Core.Leases, _table.Core.WriteLeases));
    }

    [Fact]
    public void A_session_is_not_in_its_own_way()
    {
        _table.Have(1, 7, LeaseMode.Write);
        Assert.Equal(LeaseTicketState.Passed, _table.Change(1, 7).State);
        Assert.Equal(LeaseTicketState.Passed, _table.Look(1, 7).State);
        Assert.Empty(_table.Recalls(1));
        Assert.Equal(LeaseMode.Write, _table.Have(1, 7, LeaseMode.Read).Mode);
    }

    [Fact]
    public void A_change_recalls_readers_and_a_look_leaves_the_writer_a_reader()
    {
        _table.Have(1, 7, LeaseMode.Write);
        var look = _table.Look(0, 7);
        Assert.Equal(LeaseMode.Read, Assert.Single(_table.Recalls(1)).To);
        _table.Answer(1);
        Assert.Equal((LeaseTicketState.Passed, LeaseMode.Read), (look.State, _table.ModeOf(1, 7)));
        var change = _table.Change(2, 7);
        Assert.Equal(LeaseMode.None, Assert.Single(_table.Recalls(1)).To);
        Assert.Equal(LeaseTicketState.Waiting, change.State);
        _table.Answer(1);
        Assert.Equal((LeaseTicketState.Passed, LeaseMode.None), (change.State, _table.ModeOf(1, 7)));
    }

    [Fact]
    public void A_recall_that_asks_for_more_has_a_new_number()
    {
        _table.Have(1, 7, LeaseMode.Write);
        _table.Look(0, 7);
        var first = Assert.Single(_table.Recalls(1));
        _table.Change(2, 7);
        var second = Assert.Single(_table.Recalls(1));
        Assert.True(second.Number > first.Number);
        Assert.Equal((LeaseMode.None, first.Grant), (second.To, second.Grant));

        // It answers the first one only: the second stays.
        _table.Core.Release(new ClientId(1), new InodeId(7), first.Grant, LeaseMode.Read);
        Assert.Equal(second, Assert.Single(_table.Recalls(1)));
    }

    [Fact]
    public void Nothing_is_granted_while_an_operation_is_in_flight()
    {
        var change = _table.Change(1, 7);
        var reader = _table.Acquire(2, 7, LeaseMode.Read);
        Assert.Equal(LeaseTicketState.Waiting, reader.State);

        // Its own is no danger.
        _table.Have(1, 7, LeaseMode.Read);
        _table.Core.Leave(change);
        Assert.Equal(LeaseTicketState.Passed, reader.State);
    }

    [Fact]
    public void Operations_do_not_wait_for_each_other_but_for_names()
    {
        Assert.Equal(LeaseTicketState.Passed, _table.Change(1, 7).State);
        Assert.Equal(LeaseTicketState.Passed, _table.Change(2, 7).State);
        var first = _table.Name(1, 7, 99);
        var same = _table.Name(1, 7, 99);
        Assert.Equal((LeaseTicketState.Passed, LeaseTicketState.Waiting), (first.State, same.State));
        Assert.Equal(LeaseTicketState.Passed, _table.Name(2, 7, 98).State);
        _table.Core.Leave(first);
        Assert.Equal(LeaseTicketState.Passed, same.State);
    }

    [Fact]
    public void Who_conflicts_passes_in_order()
    {
        _table.Have(1, 7, LeaseMode.Write);
        var change = _table.Change(2, 7);
        var reader = _table.Acquire(3, 7, LeaseMode.Read);
        var later = _table.Change(2, 7);
        _table.Answer(1);
        Assert.Equal([change], _table.Freed);
        Assert.Equal(LeaseTicketState.Waiting, reader.State);
        _table.Core.Leave(change);
        Assert.Equal(
            (LeaseTicketState.Passed, LeaseTicketState.Waiting), (reader.State, later.State));
        _table.Answer(3);
        Assert.Equal([change, reader, later], _table.Freed);
    }

    [Fact]
    public void No_stream_of_readers_starves_a_change()
    {
        _table.Have(1, 7, LeaseMode.Read);
        var change = _table.Change(2, 7);
        Assert.Equal(LeaseTicketState.Waiting, _table.Acquire(3, 7, LeaseMode.Read).State);
        _table.Answer(1);
        Assert.Equal(LeaseTicketState.Passed, change.State);
    }

    [Fact]
    public void A_holder_flushes_past_those_who_wait_for_it()
    {
        _table.Have(1, 7, LeaseMode.Write);
        _table.Change(2, 7);
        var flush = _table.Change(1, 7);
        Assert.Equal(LeaseTicketState.Passed, flush.State);
    }

    [Fact]
    public void Who_waits_holds_nothing()
    {
        _table.Have(1, 7, LeaseMode.Write);
        Assert.Equal(LeaseTicketState.Waiting, _table.Change(2, 7, 8).State);
        Assert.Equal(LeaseTicketState.Passed, _table.Have(1, 9, LeaseMode.Write).State);

        // 8 is waited for by an operation: operations are not in each other's way.
        Assert.Equal(LeaseTicketState.Passed, _table.Change(3, 8).State);
    }

    [Fact]
    public void A_recalled_lease_is_given_to_nobody_else_until_it_is_answered()
    {
        _table.Have(1, 7, LeaseMode.Read);
        var change = _table.Change(2, 7);
        _table.Core.Leave(change);
        Assert.Equal(LeaseTicketState.Waiting, _table.Acquire(3, 7, LeaseMode.Read).State);
    }

    /// <summary>A client that is asked to stop writing, and looks at the file while it still flushes.</summary>
    [Fact]
    public void A_holder_gets_nothing_anew_before_it_has_answered()
    {
        _table.Have(1, 7, LeaseMode.Write);
        var look = _table.Look(2, 7);
        var again = _table.Acquire(1, 7, LeaseMode.Read);
        Assert.Equal((LeaseTicketState.Waiting, LeaseTicketState.Waiting), (look.State, again.State));
        Assert.Single(_table.Recalls(1));
        _table.Answer(1);
        Assert.Equal((LeaseTicketState.Passed, LeaseTicketState.Passed), (look.State, again.State));
        Assert.Equal((LeaseMode.Read, LeaseMode.Read), (again.Mode, _table.ModeOf(1, 7)));
    }

    [Fact]
    public void An_answer_to_an_older_lease_changes_nothing()
    {
        var old = _table.Have(1, 7, LeaseMode.Read).Grant;
        _table.Core.Release(new ClientId(1), new InodeId(7), old, LeaseMode.None);
        var grant = _table.Have(1, 7, LeaseMode.Read).Grant;
        Assert.NotEqual(old, grant);
        _table.Core.Release(new ClientId(1), new InodeId(7), old, LeaseMode.None);
        Assert.Equal(LeaseMode.Read, _table.ModeOf(1, 7));
        _table.Core.Release(new ClientId(2), new InodeId(7), grant, LeaseMode.None);
        Assert.Equal(LeaseMode.Read, _table.ModeOf(1, 7));
    }

    [Fact]
    public void A_ticket_ends_at_its_deadline()
    {
        _table.Have(1, 7, LeaseMode.Write);
        var change = _table.Change(2, 7);
        _table.Pass(4_900, 1);
        Assert.Equal(LeaseTicketState.Waiting, change.State);
        _table.Pass(200, 1);
        Assert.Equal((LeaseTicketState.Ended, LeaseRefusal.NotInTime), (change.State, change.Refusal));
        Assert.Equal(0, _table.Core.Waiting);
        var tried = _table.Acquire(2, 7, LeaseMode.Read, waitMs: 0);
        Assert.Equal(LeaseTicketState.Ended, tried.State);
    }

    [Fact]
    public void Who_does_not_wait_disturbs_nobody()
    {
        _table.Have(1, 7, LeaseMode.Write);
        _table.Acquire(2, 7, LeaseMode.Read, waitMs: 0);
        Assert.Empty(_table.Recalls(1));
    }

    [Fact]
    public void An_operation_that_needs_more_has_it_at_once_or_not_at_all()
    {
        var change = _table.Change(1, 7);
        Assert.True(_table.Core.TryExtend(change, [new LeaseNeed(LeaseNeedKind.Change, 8)], 0));
        Assert.Equal(LeaseTicketState.Waiting, _table.Acquire(2, 8, LeaseMode.Read).State);
        _table.Have(3, 9, LeaseMode.Read);
        Assert.False(_table.Core.TryExtend(change, [new LeaseNeed(LeaseNeedKind.Change, 9)], 0));
        Assert.Equal(2, change.Needs.Count);
        _table.Core.Leave(change);
        Assert.Equal(2, _table.Core.Leases);
    }

    [Fact]
    public void Who_gives_up_waits_no_more_and_is_in_nobodys_way()
    {
        _table.Have(1, 7, LeaseMode.Read);
        var writer = _table.Acquire(2, 7, LeaseMode.Write);
        var reader = _table.Acquire(3, 7, LeaseMode.Read);
        _table.Core.GiveUp(writer);
        Assert.Equal((LeaseTicketState.Ended, LeaseRefusal.NotInTime), (writer.State, writer.Refusal));

        // What it has recalled stays so.
        Assert.Equal(LeaseTicketState.Waiting, reader.State);
        _table.Answer(1);
        Assert.Equal(LeaseTicketState.Passed, reader.State);
        _table.Core.GiveUp(reader);
        Assert.Equal(LeaseTicketState.Passed, reader.State);
    }

    [Fact]
    public void One_that_ends_lets_those_behind_it_pass()
    {
        var flight = _table.Change(1, 7);
        var writer = _table.Acquire(2, 7, LeaseMode.Write);
        var change = _table.Change(3, 7);
        Assert.Equal((LeaseTicketState.Waiting, LeaseTicketState.Waiting), (writer.State, change.State));
        _table.Core.Leave(writer);
        Assert.Equal(LeaseTicketState.Passed, change.State);
        _table.Core.Leave(change);
        _table.Core.Leave(flight);
        Assert.Equal(0, _table.Core.Nodes);
    }

    /// <summary>All under one lock: a crowd at one directory must not stop the others.</summary>
    [Fact]
    public void A_crowd_takes_time_in_proportion_to_itself()
    {
        _table.Have(1, 7, LeaseMode.Write);
        var stopwatch = Stopwatch.StartNew();
        var crowd = Enumerable.Range(0, 60_000).Select(i => _table.Change(2 + ((ulong)i % 2), 7)).ToList();
        Assert.Equal(60_000, _table.Core.Waiting);
        crowd[1_000..2_000].ForEach(_table.Core.Leave);
        _table.Answer(1);
        Assert.Equal(59_000, _table.Freed.Count);
        crowd.ForEach(_table.Core.Leave);
        Assert.Equal((0, 0), (_table.Core.Waiting, _table.Core.Nodes));
        Assert.True(stopwatch.Elapsed < TimeSpan.FromSeconds(3), $"{stopwatch.Elapsed}");
    }

    [Fact]
    public void The_last_one_out_leaves_nothing()
    {
        var change = _table.Change(1, 7, 8);
        var name = _table.Name(1, 7, 5);
        Assert.Equal(3, _table.Core.Nodes);
        _table.Core.Leave(change);
        _table.Core.Leave(name);
        Assert.Equal(0, _table.Core.Nodes);
    }

    [Fact]
    public void Without_leases_an_operation_allocates_nothing()
    {
        var ticket = new LeaseTicket(LeaseTicketKind.Operation, new ClientId(1));
        for (var i = 0UL; i < 20_000; i++)
        {
            Once(ticket, i);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0UL; i < 1_000; i++)
        {
            Once(ticket, i);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void Once(LeaseTicket ticket, ulong inode)
    {
        ticket.Clear();
        ticket.Need(LeaseNeedKind.Change, inode);
        ticket.Need(LeaseNeedKind.Name, inode);
        _table.Core.Enter(ticket, 0);
        _table.Core.Leave(ticket);
    }
}
