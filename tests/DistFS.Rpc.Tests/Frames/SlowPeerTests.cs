using System.Diagnostics;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>Peers that are slow, silent or stop: each is ended in time, and no other connection notices.</summary>
public sealed class SlowPeerTests
{
    [Fact]
    public async Task A_peer_that_stops_reading_is_ended_and_others_do_not_notice()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(RpcWorld.Quick with { SendQueueBytesMax = 4 << 20 }));
        var healthy = world.Channel();
        await healthy.EchoAsync(0);
        using var peer = await RawPeer.GreetAsync(world.Address, receiveBufferBytes: 4096);
        for (ulong id = 1; id <= 60; id++)
        {
            await peer.SendOrBreakAsync(FrameBytes.Request(Source, new SourceRequest { Bytes = 4 << 20 }, id));
        }

        var watch = Stopwatch.StartNew();
        var slowest = TimeSpan.Zero;
        ulong calls = 0;
        while (world.Server.ConnectionCount > 1 && watch.Elapsed < Eventually.Limit)
        {
            var before = watch.Elapsed;
            Assert.Equal(++calls, await healthy.EchoAsync(calls));
            slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, (watch.Elapsed - before).Ticks));
        }

        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromMilliseconds(500));
        Assert.True(calls > 100, $"only {calls} calls of the healthy connection");
        await Eventually.True(() => world.Log.Lines.Any(line => line.StartsWith("DFS1211", StringComparison.Ordinal)));
        await Eventually.True(() => world.Service.OwnersOut == 0);
    }

    [Fact]
    public async Task A_peer_that_reads_slowly_and_steadily_is_served()
    {
        // What the socket's buffers do not hold goes in sips so small that one send of 512 KiB lasts 5 s, and no byte
        // is taken for two thirds of a second at most: the receive window opens by half its size.
        const int Bytes = 8 << 20;
        var quick = RpcWorld.Quick with
        {
            StallTimeout = TimeSpan.FromSeconds(3),
            KeepAliveTimeout = TimeSpan.FromSeconds(60),
        };
        await using var world = new RpcWorld(RpcWorld.Loopback(quick));
        using var peer = await RawPeer.GreetAsync(
            world.Address, hello => hello.PayloadBytesMax = 16 << 20, receiveBufferBytes: 64 << 10);
        await peer.SendAsync(FrameBytes.Request(Source, new SourceRequest { Bytes = Bytes }, 1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var watch = Stopwatch.StartNew();
        for (long taken = 0; taken < Bytes;)
        {
            await timer.WaitForNextTickAsync();
            var slowly = watch.Elapsed < TimeSpan.FromSeconds(9);
            var count = await peer.SipAsync(slowly ? 2 << 10 : 256 << 10);
            Assert.True(
                count > 0,
                $"ended after {taken} bytes and {watch.Elapsed}: {string.Join("; ", world.Log.Lines)}");
            taken += count;
        }
    }

    [Fact]
    public async Task A_peer_that_drips_is_ended()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(RpcWorld.Quick));
        using var peer = await RawPeer.GreetAsync(world.Address);
        var frame = FrameBytes.Request(Echo, new EchoRequest(), 1, new byte[1000]);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var i = 0; i < 100 && world.Server.ConnectionCount > 0; i++)
        {
            await peer.SendOrBreakAsync(frame[i..(i + 1)]);
            await timer.WaitForNextTickAsync();
        }

        await world.AssertIdle();
        Assert.Contains(world.Log.Lines, line => line.Contains("in the middle of a frame", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false, "no Hello within")]
    [InlineData(true, "was silent")]
    public async Task A_peer_that_says_nothing_is_ended(bool greets, string reason)
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(RpcWorld.Quick));
        using var peer = greets ? await RawPeer.GreetAsync(world.Address) : await RawPeer.ConnectAsync(world.Address);
        await Eventually.True(() => world.Server.ConnectionCount == 1);
        await world.AssertIdle();
        await Eventually.True(() => world.Log.Lines.Any(line => line.Contains(reason, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Keep_alive_keeps_an_idle_connection()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(RpcWorld.Quick));
        var channel = world.Channel();
        await channel.EchoAsync(1);
        var hang = channel.HangAsync();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1500));
        await timer.WaitForNextTickAsync();
        Assert.False(hang.IsCompleted);
        world.Service.ReleaseHanging();
        await hang.Soon();
        Assert.DoesNotContain(world.Log.Lines, line => line.Contains("DFS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task More_calls_or_bytes_than_allowed_end_the_connection()
    {
        var small = RpcWorld.Quick with
        {
            CallsMax = 4,
            BodyBytesMax = 8192,
            PayloadBytesMax = 8192,
            RequestWindowBytes = 20_000,
        };
        await using var world = new RpcWorld(RpcWorld.Loopback(small));
        foreach (var payload in new[] { 0, 8000 })
        {
            using var peer = await RawPeer.GreetAsync(world.Address);
            for (ulong id = 1; id <= 5; id++)
            {
                await peer.SendOrBreakAsync(FrameBytes.Request(Hang, new HangRequest(), id, new byte[payload]));
            }

            Assert.Equal(ErrorCatalog.ProtocolViolation, (await peer.ReadReasonAsync())?.Code);
            await world.AssertIdle();
        }
    }

    [Fact]
    public async Task A_call_id_in_use_ends_the_connection()
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.GreetAsync(world.Address);
        var request = FrameBytes.Request(Hang, new HangRequest(), 5);
        await peer.SendAsync(request, request);
        Assert.Equal(ErrorCatalog.ProtocolViolation, (await peer.ReadReasonAsync())?.Code);
    }
}
