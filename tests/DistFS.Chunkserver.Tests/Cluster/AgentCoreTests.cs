using DistFS.Chunkserver.Cluster;
using DistFS.Protocol;
using static DistFS.Chunkserver.Tests.Cluster.TestAgent;

namespace DistFS.Chunkserver.Tests.Cluster;

/// <summary>Registration, inventory, and for how long a server may serve (docs/design/chunkservers.md).</summary>
public sealed class AgentCoreTests
{
    [Fact]
    public void It_registers_with_what_its_disk_says_and_sends_nothing_else_before()
    {
        var agent = new TestAgent();
        Assert.Null(agent.Core.NextHeartbeat(default));
        var request = Assert.IsType<AgentWork.Register>(agent.Core.NextWork()).Request;
        Assert.Equal(
            (Id, 5ul, Run, 10ul, "host:1", "rack"),
            (request.Server, request.Store, request.Incarnation, request.PreviousIncarnation, request.Address,
                request.Rack));
        agent.Core.Registered(new RegisterServerAnswer { Answer = Ok, Server = 8 });
        Assert.Equal(new ServerId(8), agent.Core.Server);
        var beat = agent.NextBeat().Request;
        Assert.Equal((8u, Run), (beat.Server, beat.Incarnation));
    }

    [Fact]
    public void It_tells_what_it_has_after_a_reply_gave_it_a_position()
    {
        var agent = new TestAgent();
        agent.Core.Registered(new RegisterServerAnswer { Answer = Ok, Server = Id });
        Assert.Null(agent.Core.NextWork());
        agent.Beat();
        var page = agent.Page().Request;
        Assert.Equal((Id, Run, 0ul, 100ul), (page.Server, page.Incarnation, page.First, page.Position));
    }

    /// <summary>A page that was asked for with an old position would have good copies taken for lost.</summary>
    [Fact]
    public void A_page_has_the_position_of_the_last_reply_whichever_that_was()
    {
        var agent = new TestAgent().Register();
        agent.Position = 200;
        agent.Beat();
        Assert.Equal(200ul, agent.Page().Request.Position);
        agent.Position = 300;
        agent.Core.PageAnswered(agent.Page(), agent.PageReply(77));
        var page = agent.Page().Request;
        Assert.Equal((77ul, 300ul), (page.First, page.Position));

        // Of a cluster that was put back to an older state the position goes back too.
        agent.Position = 250;
        agent.Beat();
        Assert.Equal(250ul, agent.Page().Request.Position);
    }

    [Fact]
    public void It_serves_when_the_inventory_is_through_and_for_so_long_after_it_sent_the_heartbeat()
    {
        var agent = new TestAgent().Register();
        Assert.Equal(0, agent.Core.ServesUntilMs);
        agent.Core.PageAnswered(agent.Page(), agent.PageReply(5));
        Assert.Equal(0, agent.Core.ServesUntilMs);
        agent.Core.PageAnswered(agent.Page(), agent.PageReply(0));
        Assert.Equal(8_000, agent.Core.ServesUntilMs);
        Assert.Null(agent.Core.NextWork());
        agent.NowMs = 2_500;
        agent.Beat();
        Assert.Equal(9_500, agent.Core.ServesUntilMs);

        // Not answered: not longer.
        agent.NextBeat();
        agent.Core.HeartbeatFailed(ErrorCatalog.DeadlineExceeded);
        Assert.Equal(9_500, agent.Core.ServesUntilMs);
    }

    [Fact]
    public void One_that_the_leader_does_not_know_serves_nobody_registers_and_tells_everything()
    {
        var agent = new TestAgent().Through();
        var late = agent.NextBeat();
        agent.Beat(reply => reply.IsUnknown = true);
        Assert.Equal((AgentPhase.Registering, 0L), (agent.Core.Phase, agent.Core.ServesUntilMs));
        Assert.Equal(Run, Assert.IsType<AgentWork.Register>(agent.Core.NextWork()).Request.Incarnation);

        // What answers a heartbeat of before says nothing any more.
        agent.Core.HeartbeatAnswered(late, agent.Reply(), 1_000_000);
        Assert.Equal((AgentPhase.Registering, 0L), (agent.Core.Phase, agent.Core.ServesUntilMs));
        agent.Core.Registered(new RegisterServerAnswer { Answer = Ok, Server = Id });
        agent.Core.HeartbeatAnswered(late, agent.Reply(), 1_000_000);
        Assert.Equal(AgentPhase.Positioning, agent.Core.Phase);
        agent.Beat();
        Assert.Equal(0ul, agent.Page().Request.First);
        Assert.Equal(0, agent.Core.ServesUntilMs);
        agent.Tell();
        Assert.Equal(8_000, agent.Core.ServesUntilMs);
    }

    [Fact]
    public void A_page_or_a_confirmation_that_the_leader_has_no_server_for_does_the_same()
    {
        var agent = new TestAgent().Register();
        agent.Core.PageAnswered(
            agent.Page(), new InventoryReply { Answer = Refusal(ErrorCatalog.ChunkServerUnknown) });
        Assert.Equal(AgentPhase.Registering, agent.Core.Phase);

        agent = new TestAgent().Through();
        agent.Core.ConfirmAnswered(new ConfirmDeletedRequest(), Refusal(ErrorCatalog.ChunkServerUnknown));
        Assert.Equal((AgentPhase.Registering, 0L), (agent.Core.Phase, agent.Core.ServesUntilMs));
    }

    [Fact]
    public void An_inventory_that_is_wanted_again_is_told_from_the_start_and_nobody_is_served_meanwhile()
    {
        var agent = new TestAgent().Through();
        agent.Beat(reply => reply.WantsInventory = true);
        Assert.Equal((AgentPhase.Telling, 0L), (agent.Core.Phase, agent.Core.ServesUntilMs));
        Assert.Equal(0ul, agent.Page().Request.First);
        agent.Tell();
        Assert.Equal(0, agent.Core.ServesUntilMs);
        agent.Beat();
        Assert.Equal(8_000, agent.Core.ServesUntilMs);
    }

    /// <summary>The answer to a heartbeat from before the last page says that it is wanted, and it has come.</summary>
    [Fact]
    public void An_inventory_that_came_meanwhile_is_not_told_twice()
    {
        var agent = new TestAgent().Register();
        var sent = agent.NextBeat();
        agent.Beat(reply => reply.WantsInventory = true);
        Assert.Equal(AgentPhase.Telling, agent.Core.Phase);
        agent.Tell();
        var reply = agent.Reply();
        reply.WantsInventory = true;
        agent.Core.HeartbeatAnswered(sent, reply, 1_000);
        Assert.Equal(AgentPhase.Through, agent.Core.Phase);
    }

    [Fact]
    public void A_page_of_an_earlier_turn_is_not_listened_to()
    {
        var agent = new TestAgent().Register();
        var late = agent.Page();
        agent.Core.PageAnswered(late, agent.PageReply(50));
        agent.Beat(reply => reply.IsUnknown = true);
        agent.Register();
        agent.Core.PageAnswered(late, agent.PageReply(0));
        Assert.Equal((AgentPhase.Telling, 0ul), (agent.Core.Phase, agent.Page().Request.First));
    }

    [Fact]
    public void When_a_disk_is_gone_all_is_told_again_and_served_meanwhile()
    {
        var agent = new TestAgent().Through();
        agent.Core.TellAgain();
        Assert.Equal(8_000, agent.Core.ServesUntilMs);
        var page = agent.Page();
        Assert.Equal(0ul, page.Request.First);
        agent.Core.PageAnswered(page, agent.PageReply(9));
        Assert.Equal(9ul, agent.Page().Request.First);

        // And another disk: what was told of it so far is not so any more.
        page = agent.Page();
        agent.Core.TellAgain();
        agent.Core.PageAnswered(page, agent.PageReply(0));
        Assert.Equal(0ul, agent.Page().Request.First);
        agent.Tell();
        Assert.Null(agent.Core.NextWork());
        agent.Beat();
        Assert.Equal(8_000, agent.Core.ServesUntilMs);
    }

    [Fact]
    public void When_a_disk_is_gone_while_it_tells_what_it_has_it_begins_again()
    {
        var agent = new TestAgent().Register();
        agent.Core.PageAnswered(agent.Page(), agent.PageReply(50));
        agent.Core.TellAgain();
        Assert.Equal((AgentPhase.Telling, 0ul), (agent.Core.Phase, agent.Page().Request.First));
        agent.Tell();
        Assert.Equal(0, agent.Core.ServesUntilMs);
    }

    public static TheoryData<int> Refusals => new(
        ErrorCatalog.ChunkServerRunOver.Number,
        ErrorCatalog.ChunkServerIdTaken.Number,
        ErrorCatalog.ChunkServerUnknown.Number);

    [Theory]
    [MemberData(nameof(Refusals))]
    public void One_that_may_not_register_ends_with_the_code(int number)
    {
        var code = ErrorCatalog.All.Single(code => code.Number == number);
        var agent = new TestAgent();
        agent.Core.Registered(new RegisterServerAnswer { Answer = Refusal(code) });
        Assert.Equal((AgentPhase.Over, code), (agent.Core.Phase, agent.Core.Failure!.Code));
        Assert.Null(agent.Core.NextWork());
        Assert.Null(agent.Core.NextHeartbeat(default));
    }

    [Fact]
    public void A_later_run_of_its_folder_ends_it_at_once_whatever_tells_it()
    {
        var agent = new TestAgent().Through();
        agent.Beat(reply => reply.Answer = Refusal(ErrorCatalog.ChunkServerRunOver));
        IsOver(agent);

        agent = new TestAgent().Register();
        agent.Core.PageAnswered(
            agent.Page(), new InventoryReply { Answer = Refusal(ErrorCatalog.ChunkServerRunOver) });
        IsOver(agent);

        agent = new TestAgent().Through();
        agent.Core.ConfirmAnswered(new ConfirmDeletedRequest(), Refusal(ErrorCatalog.ChunkServerRunOver));
        IsOver(agent);

        static void IsOver(TestAgent agent)
        {
            Assert.Equal(ErrorCatalog.ChunkServerRunOver, agent.Core.Failure!.Code);
            Assert.Equal((AgentPhase.Over, 0L), (agent.Core.Phase, agent.Core.ServesUntilMs));
            Assert.Null(agent.Core.NextWork());
        }
    }

    [Fact]
    public void One_that_leaves_serves_nobody_and_says_so_until_that_is_heard()
    {
        var agent = new TestAgent().Through();
        agent.Core.Leave(60_000);
        Assert.Equal(0, agent.Core.ServesUntilMs);
        var beat = agent.NextBeat();
        Assert.Equal(60_000u, beat.Request.BackWithinMs);
        agent.Core.HeartbeatFailed(ErrorCatalog.ConnectionLost);
        Assert.False(agent.Core.HasLeft);
        agent.Core.HeartbeatAnswered(agent.NextBeat(), agent.Reply(), 1_000);
        Assert.True(agent.Core.HasLeft);
        Assert.Equal(0, agent.Core.ServesUntilMs);
        Assert.Null(agent.Core.NextWork());
    }

    [Fact]
    public void The_answer_to_a_heartbeat_from_before_it_left_is_not_one_to_its_leaving()
    {
        var agent = new TestAgent().Through();
        var sent = agent.NextBeat();
        agent.Core.Leave(1);
        agent.Core.HeartbeatAnswered(sent, agent.Reply(), 1_000);
        Assert.False(agent.Core.HasLeft);
        Assert.Equal(0, agent.Core.ServesUntilMs);
    }

    [Fact]
    public void One_that_nobody_expects_has_left_already()
    {
        var agent = new TestAgent();
        agent.Core.Leave(1);
        Assert.True(agent.Core.HasLeft);

        agent = new TestAgent().Through();
        agent.Core.Leave(1);
        agent.Beat(reply => reply.IsUnknown = true);
        Assert.True(agent.Core.HasLeft);
        Assert.Equal(AgentPhase.Leaving, agent.Core.Phase);
    }

    [Fact]
    public void A_heartbeat_tells_the_facts()
    {
        var agent = new TestAgent().Through();
        var beat = agent.Core.NextHeartbeat(new ServerFacts(10, 4, true, 5, 150, 6, 7, 8))!.Request;
        Assert.Equal(
            (10ul, 4ul, true, 5u, 150u, 6ul, 7ul, 8ul, 0u),
            (beat.CapacityBytes, beat.UsedBytes, beat.IsFull, beat.Load, beat.LatencyPercent, beat.DirtyBlocks,
                beat.DamagedBlocks, beat.LostCopies, beat.BackWithinMs));
    }
}
