using DistFS.Chunkserver.Cluster;
using DistFS.Protocol;
using static DistFS.Chunkserver.Tests.Cluster.TestAgent;

namespace DistFS.Chunkserver.Tests.Cluster;

/// <summary>Losses, copies and deletions: what is told until when, and what is done.</summary>
public sealed class AgentOrdersTests
{
    [Fact]
    public void A_loss_is_told_with_every_heartbeat_with_the_position_before_it_was_looked_at()
    {
        var agent = new TestAgent().Through();
        agent.Core.Lost(Lost(7, 2));
        for (var i = 0; i < 3; i++)
        {
            agent.Position = 500 + (ulong)i;
            agent.Beat();
            var beat = agent.NextBeat().Request;
            Assert.Equal([Lost(7, 2)], beat.Lost);
            Assert.Equal(500ul + (ulong)i, beat.Position);
        }
    }

    [Fact]
    public void Nothing_is_told_to_be_lost_before_there_is_a_position()
    {
        var agent = new TestAgent();
        agent.Core.Lost(Lost(7));
        agent.Core.Registered(new RegisterServerAnswer { Answer = Ok, Server = Id });
        Assert.Empty(agent.NextBeat().Request.Lost);
        agent.Beat();
        Assert.Equal([Lost(7)], agent.NextBeat().Request.Lost);
    }

    [Fact]
    public void What_an_inventory_finds_lost_for_good_is_told_from_then_on()
    {
        var agent = new TestAgent().Register();
        var reply = agent.PageReply(0);
        reply.Lost.Add(Lost(4, 6));
        agent.Core.PageAnswered(agent.Page(), reply);
        Assert.Equal([Lost(4, 6)], agent.NextBeat().Request.Lost);
    }

    [Fact]
    public void Losses_that_are_too_many_for_a_heartbeat_are_told_by_turns()
    {
        var agent = new TestAgent().Through();
        var all = Enumerable.Range(1, (2 * AgentCore.PageMax) + 100).Select(chunk => (ulong)chunk).ToList();
        all.ForEach(chunk => agent.Core.Lost(Lost(chunk)));
        var told = new List<ulong>();
        for (var i = 0; i < 3; i++)
        {
            var beat = agent.NextBeat().Request.Lost.Select(lost => lost.Chunk).ToList();
            Assert.Equal(AgentCore.PageMax, beat.Count);
            told.AddRange(beat);
        }

        Assert.Equal(all, told.Distinct());

        // The third began again behind the last.
        Assert.Equal(1ul, told[(2 * AgentCore.PageMax) + 100]);
    }

    [Fact]
    public void A_loss_ends_with_the_order_to_delete_it_or_to_make_it()
    {
        var agent = new TestAgent().Through();
        agent.Core.Lost(Lost(1, 5));
        agent.Core.Lost(Lost(2, 5));
        agent.Core.Lost(Lost(3, 5));
        agent.Beat(reply =>
        {
            reply.Deletes.Add(Delete(1, 5));
            reply.Deletes.Add(Delete(3, 4));
            reply.Copies.Add(Copy(10, 2, 5));
        });
        Assert.Equal([3ul], agent.NextBeat().Request.Lost.Select(lost => lost.Chunk));
        Assert.Equal(1, agent.Core.LossCount);
    }

    [Fact]
    public void A_loss_grows_with_the_versions_that_the_chunk_comes_to_and_never_falls_back()
    {
        var agent = new TestAgent().Through();
        agent.Core.Lost(Lost(1, 5));
        agent.Core.Lost(Lost(1, 4));
        agent.Core.VersionBegun(new ChunkId(1), new ChunkVersion(6));
        agent.Core.VersionBegun(new ChunkId(1), new ChunkVersion(3));
        agent.Core.VersionBegun(new ChunkId(2), new ChunkVersion(3));
        Assert.Equal([Lost(1, 6)], agent.NextBeat().Request.Lost);
    }

    [Fact]
    public void A_copy_begins_once_and_its_result_is_told_until_the_order_is_gone()
    {
        var agent = new TestAgent().Through();
        Assert.Equal([Copy(10, 1)], agent.Beat(reply => reply.Copies.Add(Copy(10, 1))).Begin);
        Assert.Empty(agent.Beat(reply => reply.Copies.Add(Copy(10, 1))).Begin);
        agent.Core.CopyEnded(Result(10, 1));
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal([Result(10, 1)], agent.NextBeat().Request.Results);
            Assert.Empty(agent.Beat(reply => reply.Copies.Add(Copy(10, 1))).Begin);
        }

        agent.Beat();
        Assert.Empty(agent.NextBeat().Request.Results);
    }

    [Fact]
    public void A_copy_that_failed_is_told_and_not_begun_again()
    {
        var agent = new TestAgent().Through();
        agent.Beat(reply => reply.Copies.Add(Copy(10, 1)));
        agent.Core.CopyEnded(Result(10, 1, FsStatus.NoSpace));
        Assert.Equal((int)FsStatus.NoSpace, Assert.Single(agent.NextBeat().Request.Results).Status);
        Assert.Empty(agent.Beat(reply => reply.Copies.Add(Copy(10, 1))).Begin);
    }

    [Fact]
    public void A_copy_that_is_not_listed_any_more_is_given_up_and_not_told()
    {
        var agent = new TestAgent().Through();
        agent.Beat(reply => reply.Copies.Add([Copy(10, 1), Copy(11, 2)]));
        Assert.Equal([new CopyId(10)], agent.Beat(reply => reply.Copies.Add(Copy(11, 2))).Cancel);
        Assert.Empty(agent.Beat(reply => reply.Copies.Add(Copy(11, 2))).Cancel);
        agent.Core.CopyEnded(Result(10, 1, FsStatus.Cancelled));
        Assert.Empty(agent.NextBeat().Request.Results);
    }

    [Fact]
    public void A_leader_that_does_not_know_the_copies_changes_nothing_about_them()
    {
        var agent = new TestAgent().Through();
        agent.Beat(reply => reply.Copies.Add([Copy(10, 1), Copy(11, 2)]));
        agent.Core.CopyEnded(Result(11, 2));
        var orders = agent.Beat(reply => (reply.KnowsCopies, reply.CopyBytesPerSecond) = (false, 77));
        Assert.Empty(orders.Cancel);
        Assert.Equal(77ul, orders.CopyBytesPerSecond);
        Assert.Equal([Result(11, 2)], agent.NextBeat().Request.Results);
    }

    [Fact]
    public void A_loss_that_was_copied_well_is_no_loss()
    {
        var agent = new TestAgent().Through();
        agent.Beat(reply => reply.Copies.Add(Copy(10, 1)));
        agent.Core.Lost(Lost(1));
        agent.Core.CopyEnded(Result(10, 1, FsStatus.IoError));
        Assert.Equal(1, agent.Core.LossCount);
        agent.Core.CopyEnded(Result(10, 1));
        Assert.Equal(0, agent.Core.LossCount);
    }

    [Fact]
    public void A_deletion_is_done_once_and_confirmed_word_for_word_when_it_is_durable()
    {
        var agent = new TestAgent().Through();
        agent.Beat(reply => reply.Deletes.Add([Delete(1, 2, 3), Delete(4)]));
        agent.Beat(reply => reply.Deletes.Add([Delete(1, 2, 3), Delete(4)]));
        var orders = Assert.IsType<AgentWork.Delete>(agent.Core.NextWork()).Orders;
        Assert.Equal([Delete(1, 2, 3), Delete(4)], orders);

        // Not durable yet: nothing to confirm, and told again it is not done again.
        agent.Beat(reply => reply.Deletes.Add(Delete(4)));
        Assert.Null(agent.Core.NextWork());
        agent.Core.Deleted([Delete(1, 2, 3)]);
        agent.Core.NotDeleted([Delete(4)]);
        var confirm = Assert.IsType<AgentWork.Confirm>(agent.Core.NextWork()).Request;
        Assert.Equal((Id, Run), (confirm.Server, confirm.Incarnation));
        Assert.Equal([Delete(1, 2, 3)], confirm.Deleted);

        // No answer: once more.
        Assert.Equal(confirm, Assert.IsType<AgentWork.Confirm>(agent.Core.NextWork()).Request);
        agent.Core.ConfirmAnswered(confirm, Ok);
        Assert.Null(agent.Core.NextWork());
        Assert.Equal(0, agent.Core.DeletionCount);

        // What could not be done is done when it is told again.
        agent.Beat(reply => reply.Deletes.Add(Delete(4)));
        Assert.Equal([Delete(4)], Assert.IsType<AgentWork.Delete>(agent.Core.NextWork()).Orders);
    }

    [Fact]
    public void Deletions_of_an_inventory_are_done_when_it_is_through()
    {
        var agent = new TestAgent().Register().Tell([Delete(1), Delete(2)]);
        Assert.Equal([Delete(1), Delete(2)], Assert.IsType<AgentWork.Delete>(agent.Core.NextWork()).Orders);
    }

    [Fact]
    public void Deletions_and_confirmations_come_in_pages()
    {
        var agent = new TestAgent().Through();
        var orders = Enumerable.Range(1, AgentCore.PageMax + 5).Select(chunk => Delete((ulong)chunk)).ToList();
        agent.Beat(reply => reply.Deletes.Add(orders));
        var first = Assert.IsType<AgentWork.Delete>(agent.Core.NextWork()).Orders;
        Assert.Equal(AgentCore.PageMax, first.Count);
        agent.Core.Deleted(first);
        var second = Assert.IsType<AgentWork.Delete>(agent.Core.NextWork()).Orders;
        Assert.Equal(5, second.Count);
        agent.Core.Deleted(second);
        var confirm = Assert.IsType<AgentWork.Confirm>(agent.Core.NextWork()).Request;
        Assert.Equal(AgentCore.PageMax, confirm.Deleted.Count);
        agent.Core.ConfirmAnswered(confirm, Ok);
        Assert.Equal(5, Assert.IsType<AgentWork.Confirm>(agent.Core.NextWork()).Request.Deleted.Count);
    }

    /// <summary>What is written after it was deleted would be there again.</summary>
    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(1, 10, true)]
    [InlineData(1, 11, true)]
    [InlineData(1, 9, false)]
    [InlineData(2, 1, true)]
    [InlineData(0, 0, false)]
    public void A_deletion_gives_up_the_copy_that_it_is_about_and_waits_for_its_end(
        uint version, ulong copy, bool isAbout)
    {
        var agent = new TestAgent().Through();
        agent.Beat(reply => reply.Copies.Add(Copy(10, 1)));
        var orders = agent.Beat(reply =>
        {
            reply.Copies.Add(Copy(10, 1));
            reply.Deletes.Add(Delete(1, version, copy));
        });
        if (!isAbout)
        {
            Assert.Empty(orders.Cancel);
            Assert.IsType<AgentWork.Delete>(agent.Core.NextWork());
            return;
        }

        Assert.Equal([new CopyId(10)], orders.Cancel);
        Assert.Null(agent.Core.NextWork());
        agent.Core.CopyEnded(Result(10, 1, FsStatus.Cancelled));
        Assert.Equal([Delete(1, version, copy)], Assert.IsType<AgentWork.Delete>(agent.Core.NextWork()).Orders);

        // It was still listed: whoever ordered it hears that nothing came of it.
        Assert.Equal([Result(10, 1, FsStatus.Cancelled)], agent.NextBeat().Request.Results);
    }

    [Fact]
    public void Orders_that_come_with_an_earlier_turn_are_not_taken()
    {
        var agent = new TestAgent().Through();
        var sent = agent.NextBeat();
        agent.Beat(reply => reply.IsUnknown = true);
        var late = agent.Reply();
        late.Copies.Add(Copy(10, 1));
        late.Deletes.Add(Delete(5));
        Assert.Empty(agent.Core.HeartbeatAnswered(sent, late, 1).Begin);
        Assert.Equal(0, agent.Core.DeletionCount);
    }

    /// <summary>A leader that has no room for reports answers a heartbeat without: the server lives.</summary>
    [Fact]
    public void Reports_that_the_leader_has_no_room_for_are_left_out_once()
    {
        var agent = new TestAgent().Through();
        agent.Core.Lost(Lost(1));
        agent.Beat(reply => reply.Copies.Add(Copy(10, 2)));
        agent.Core.CopyEnded(Result(10, 2));
        agent.NextBeat();
        agent.Core.HeartbeatFailed(ErrorCatalog.Overloaded);
        var without = agent.NextBeat().Request;
        Assert.Equal((0, 0), (without.Lost.Count, without.Results.Count));
        var with = agent.NextBeat().Request;
        Assert.Equal((1, 1), (with.Lost.Count, with.Results.Count));
        agent.Core.HeartbeatFailed(ErrorCatalog.DeadlineExceeded);
        Assert.Single(agent.NextBeat().Request.Lost);
    }
}
