using DistFS.Metadata.Placement;
using DistFS.Metadata.Servers;
using DistFS.Metaserver.Chunks;
using HeartbeatReply = DistFS.Protocol.HeartbeatReply;
using HeartbeatRequest = DistFS.Protocol.HeartbeatRequest;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>What a leader remembers of the heartbeats.</summary>
public sealed class LiveServersTests
{
    private const ulong Run = 7;

    private static readonly ServerId Id = new(1);
    private static readonly ServerRow Row = new(
        Protocol.ServerState.Up, Protocol.ServerState.Up, new StoreId(5), Run, 1 << 30, "a:1", "r");

    private readonly LiveServers _servers = new(new ChunkServerOptions(), 0);
    private long _nowMs;

    public LiveServersTests() => _servers.Registered(Id, Row, new LogIndex(5), 0);

    [Fact]
    public void One_that_is_heard_may_serve()
    {
        Assert.False(Beat().IsUnknown);
        Pass(9_000);
        Assert.False(Beat().IsUnknown);
    }

    /// <summary>
    /// Fences did not wait for it: until it has registered, what it has may be old, also before the log says down.
    /// </summary>
    [Fact]
    public void One_that_was_dead_registers_before_it_serves()
    {
        Pass(10_000);
        Assert.Equal([(Id, Run)], _servers.Tick(_nowMs));
        Assert.True(Beat().IsUnknown);
        Assert.True(Beat().IsUnknown);
        _servers.Registered(Id, Row, new LogIndex(6), _nowMs);
        var reply = Beat();
        Assert.False(reply.IsUnknown);
        Assert.True(reply.WantsInventory);
    }

    [Fact]
    public void One_that_goes_serves_no_more_and_registers_when_it_is_back()
    {
        var reply = Beat(backWithinMs: 60_000);
        Assert.Equal((false, 0u), (reply.IsUnknown, reply.ServeMs));
        Assert.False(Beat(backWithinMs: 50_000).IsUnknown);
        Assert.True(Beat().IsUnknown);
        _servers.Registered(Id, Row, new LogIndex(6), _nowMs);
        Assert.Equal((false, 9u), (Beat().IsUnknown, Beat().ServeMs));
    }

    /// <summary>Whoever can copy what another one had, or has just copied something, has orders sooner.</summary>
    [Fact]
    public void While_orders_are_expected_servers_are_heard_of_sooner()
    {
        Assert.Equal(0u, Beat().AgainMs);
        Assert.Equal(50u, Beat(ended: true).AgainMs);
        Assert.Equal(0u, Beat().AgainMs);

        // Another one is silent: suspect, then dead, then its copies are ordered.
        var other = new ServerId(2);
        _servers.Registered(other, Row with { Address = "b:1" }, new LogIndex(6), 0);
        Pass(2_500);
        Beat();
        Pass(1_000);
        Assert.Empty(_servers.Tick(_nowMs));
        Assert.Equal(50u, Beat().AgainMs);
        Pass(6_500);
        Assert.Equal([(other, Run)], _servers.Tick(_nowMs));
        Assert.Equal(50u, Beat().AgainMs);
        _servers.SetRow(
            other, Row with { Address = "b:1", State = Protocol.ServerState.Down }, new LogIndex(7), _nowMs);
        Pass(2_000);
        Assert.Empty(_servers.Tick(_nowMs));
        Assert.Equal(0u, Beat().AgainMs);
    }

    /// <summary>Rows that are read before a server registers may come after it has.</summary>
    [Fact]
    public void Older_rows_do_not_take_the_place_of_later_ones()
    {
        var old = Row with { Incarnation = Run - 1, State = Protocol.ServerState.Down };
        _servers.SetRows([(Id, old)], new LogIndex(4), 0);
        Assert.False(Beat().IsUnknown);

        // Of a position at which there was no such server.
        _servers.SetRows([], new LogIndex(4), 0);
        Assert.Equal(Row, _servers.RowOf(Id));
        _servers.SetRow(Id, old, new LogIndex(4), 0);
        Assert.Equal(Row, _servers.RowOf(Id));
        _servers.SetRow(Id, Row with { IsThrough = true }, new LogIndex(6), 0);
        Assert.True(_servers.RowOf(Id)!.IsThrough);
        _servers.SetRows([], new LogIndex(7), 0);
        Assert.Null(_servers.RowOf(Id));
    }

    /// <summary>It does not serve before: nothing is placed there, and nobody copies from it.</summary>
    [Fact]
    public void One_whose_inventory_is_not_through_is_not_asked_for_anything()
    {
        Assert.Equal(ServerState.Suspect, _servers.StateOf(Id));
        Assert.True(Beat().WantsInventory);
        _servers.SetRow(Id, Row with { IsThrough = true }, new LogIndex(6), 0);
        Assert.Equal(ServerState.Up, _servers.StateOf(Id));
        Assert.False(Beat().WantsInventory);
        Pass(10_000);
        _servers.Registered(Id, Row, new LogIndex(7), _nowMs);
        Assert.Equal(ServerState.Suspect, _servers.StateOf(Id));
    }

    /// <summary>With no more servers than copies there is no other choice: fewer copies would be worse.</summary>
    [Fact]
    public void One_in_doubt_is_chosen_where_there_is_no_other()
    {
        for (var id = 1u; id <= 3; id++)
        {
            var row = Row with { IsThrough = true, Address = $"a{id}:1", Rack = $"r{id}" };
            _servers.Registered(new ServerId(id), row, new LogIndex(6), 0);
        }

        Assert.NotNull(_servers.TakeRing(1 << 20, 0));
        _servers.Doubt(new ServerId(2));
        _servers.Doubt(new ServerId(9));
        Span<ServerId> chosen = stackalloc ServerId[ReplicaGoal.ReplicasMax];
        Assert.Equal(3, _servers.Place(1, new ReplicaGoal(3, RackRule.Spread), 1, chosen));
        for (var next = 2ul; next < 40; next++)
        {
            Assert.Equal(2, _servers.Place(next, new ReplicaGoal(2, RackRule.Spread), 1, chosen));
            Assert.DoesNotContain(new ServerId(2), chosen[..2].ToArray());
        }
    }

    private HeartbeatReply Beat(uint backWithinMs = 0, bool ended = false)
    {
        var reply = new HeartbeatReply { ServeMs = 9 };
        var request = new HeartbeatRequest { Server = Id.Value, Incarnation = Run, BackWithinMs = backWithinMs };
        request.Results.Add(ended ? [new Protocol.CopyResult()] : []);
        Assert.Equal(FsStatus.Ok, _servers.Hear(request, _nowMs, reply, out _));
        return reply;
    }

    private void Pass(long timeMs)
    {
        // Longer steps are pauses, and nobody's silence.
        for (var end = _nowMs + timeMs; _nowMs < end; _nowMs += 250)
        {
            _servers.Tick(_nowMs);
        }
    }
}
