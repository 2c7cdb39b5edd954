using DistFS.Rpc.Services;

namespace DistFS.Rpc.Tests.Services;

public sealed class NodeServiceTests : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(9);
    private readonly NodeService _node = new("1.2.3", "abcdef", Role.Chunkserver);

    public void Dispose() => _node.Dispose();

    [Fact]
    public async Task A_node_says_who_it_is_and_returns_pings()
    {
        await using var world = new RpcWorld(configure: _node.AddTo);
        var channel = world.Channel();
        _node.State = NodeState.Serving;
        var reply = await channel.CallAsync(NodeMethods.Describe, new DescribeRequest(), Timeout);
        Assert.Equal(("1.2.3", "abcdef", Role.Chunkserver, NodeState.Serving), (
            reply.Version, reply.Commit, reply.Role, reply.State));
        Assert.Equal((uint)Environment.ProcessId, reply.ProcessId);
        foreach (var size in new[] { 0, 100, 1 << 20 })
        {
            var payload = ConformanceService.Content.AsMemory(0, size);
            using var pong = await channel.CallAsync(
                NodeMethods.Ping, new PingRequest { Nonce = 5 }, new CallOptions(Timeout, payload)).Soon();
            Assert.Equal(5UL, pong.Message.Nonce);
            Assert.True(pong.Payload.Span.SequenceEqual(payload.Span));
        }
    }

    [Fact]
    public async Task A_watch_tells_every_change_without_gaps()
    {
        await using var world = new RpcWorld(configure: _node.AddTo);
        await using var events = world.Channel()
            .StreamAsync(
                NodeMethods.Watch, new WatchRequest { IntervalMs = 60_000, EventsMax = 3 }, new CallOptions(Timeout))
            .GetAsyncEnumerator();
        foreach (var (sequence, state) in new[] { (1UL, NodeState.Starting), (2UL, NodeState.Serving), (
            3UL, NodeState.Stopping) })
        {
            _node.State = state;
            do
            {
                Assert.True(await events.MoveNextAsync().Soon());
            }
            while (events.Current.State != state && events.Current.Sequence < sequence);
            Assert.Equal(sequence, events.Current.Sequence);
        }

        Assert.False(await events.MoveNextAsync().Soon());
    }

    [Theory]
    [InlineData(9)]
    [InlineData(60_001)]
    public async Task An_interval_out_of_range_is_refused(uint intervalMs)
    {
        await using var world = new RpcWorld(configure: _node.AddTo);
        var stream = world.Channel().StreamAsync(
            NodeMethods.Watch, new WatchRequest { IntervalMs = intervalMs }, new CallOptions(Timeout));
        await Eventually.Fails(ErrorCatalog.BadRequest, async () =>
        {
            await foreach (var item in stream)
            {
                Assert.Fail($"event {item.Sequence}");
            }
        });
    }

    [Fact]
    public async Task An_interval_without_change_is_an_event_too()
    {
        await using var world = new RpcWorld(configure: _node.AddTo);
        ulong last = 0;
        await foreach (var item in world.Channel().StreamAsync(
            NodeMethods.Watch, new WatchRequest { IntervalMs = 10, EventsMax = 5 }, new CallOptions(Timeout)))
        {
            Assert.Equal(++last, item.Sequence);
        }

        Assert.Equal(5UL, last);
    }
}
