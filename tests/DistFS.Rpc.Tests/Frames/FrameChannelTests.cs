using System.Diagnostics;

namespace DistFS.Rpc.Tests.Frames;

public sealed class FrameChannelTests
{
    private static readonly FrameChannelOptions Patient = new()
    {
        WaitForReady = true,
        RetryDelayMax = TimeSpan.FromMilliseconds(100),
    };

    [Fact]
    public async Task A_channel_finds_a_server_that_was_started_again()
    {
        RpcAddress address;
        FrameChannel channel;
        await using (var world = new RpcWorld())
        {
            address = world.Address;
            channel = new FrameChannel(address, Patient);
            Assert.Equal(1UL, await channel.EchoAsync(1));

            // In order: after a kill, a call may be sent before the loss is known, and then rightly fails.
            await world.Server.StopAsync(CancellationToken.None).Soon();
        }

        await using var owned = channel;
        for (ulong i = 0; i < 5; i++)
        {
            await using var again = new RpcWorld(new FrameServerOptions { Listen = [address] });
            Assert.Equal(i, await channel.EchoAsync(i));
            await again.Server.StopAsync(CancellationToken.None).Soon();
        }
    }

    [Fact]
    public async Task A_call_to_nobody_fails_at_once()
    {
        await using var channel = new FrameChannel(await NobodyAsync());
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 20; i++)
        {
            var error = await Eventually.Fails(ErrorCatalog.ConnectFailed, () => channel.EchoAsync(1));
            Assert.Equal(FsStatus.ConnectionRefused, error.Status);
            Assert.False(error.OutcomeUnknown);
            Assert.Contains(channel.Address.ToString(), error.Message, StringComparison.Ordinal);
        }

        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_patient_call_waits_for_its_deadline_only()
    {
        await using var channel = new FrameChannel(await NobodyAsync(), Patient);
        var watch = Stopwatch.StartNew();
        var error = await Eventually.Fails(
            ErrorCatalog.DeadlineExceeded, () => channel.EchoAsync(1, TimeSpan.FromMilliseconds(300)));
        Assert.False(error.OutcomeUnknown);
        Assert.InRange(watch.ElapsedMilliseconds, 280, 1500);
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => channel.HangAsync(cancellation: cancellation.Token)).Soon();
    }

    [Fact]
    public async Task A_deadline_holds_while_the_connection_is_being_made()
    {
        using var listener = new RawListener();
        await using var channel = new FrameChannel(listener.Address);
        var watch = Stopwatch.StartNew();
        await Eventually.Fails(
            ErrorCatalog.DeadlineExceeded, () => channel.EchoAsync(1, TimeSpan.FromMilliseconds(150)));
        Assert.InRange(watch.ElapsedMilliseconds, 130, 1000);
    }

    [Fact]
    public async Task Attempts_come_in_growing_distances_up_to_the_limit()
    {
        using var listener = new RawListener();
        var options = new FrameChannelOptions
        {
            WaitForReady = true,
            RetryDelay = TimeSpan.FromMilliseconds(10),
            RetryDelayMax = TimeSpan.FromMilliseconds(100),
        };
        await using var channel = new FrameChannel(listener.Address, options);
        var call = channel.EchoAsync(1);
        var watch = Stopwatch.StartNew();
        for (var attempt = 0; attempt < 12; attempt++)
        {
            using var server = await listener.AcceptAsync();
            server.FinishSending();
        }

        // Eleven delays of at most 100 ms and some time on a busy machine; without any delay it would be over at once.
        Assert.InRange(watch.ElapsedMilliseconds, 100, 4000);
        Assert.False(call.IsCompleted);
        await channel.DisposeAsync();
        await Eventually.Fails(ErrorCatalog.ShuttingDown, () => call);
    }

    [Fact]
    public async Task Many_first_calls_make_one_connection()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => channel.EchoAsync((ulong)i)));
        Assert.Equal(1, world.Server.ConnectionCount);
        Assert.Equal("tcp", channel.Peer?.Transport);
    }

    [Fact]
    public async Task Disposal_ends_calls_under_way_and_those_that_wait_for_a_connection()
    {
        await using var world = new RpcWorld();
        var channel = new FrameChannel(world.Address);
        var running = channel.HangAsync();
        await Eventually.True(() => world.Service.Running == 1);
        await channel.DisposeAsync();
        Assert.True((await Eventually.Fails(ErrorCatalog.ConnectionLost, () => running)).OutcomeUnknown);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => channel.EchoAsync(1));
        await channel.DisposeAsync();

        using var silent = new RawListener();
        var connecting = new FrameChannel(silent.Address);
        var waiting = connecting.EchoAsync(1);
        using var accepted = await silent.AcceptAsync();
        await connecting.DisposeAsync().AsTask().Soon();
        Assert.False((await Eventually.Fails(ErrorCatalog.ShuttingDown, () => waiting)).OutcomeUnknown);
    }

    [Fact]
    public async Task Disposal_races_with_the_connection_without_a_leak()
    {
        await using var world = new RpcWorld();
        var random = new Prng(5);
        for (var i = 0; i < 200; i++)
        {
            var channel = new FrameChannel(world.Address);
            var call = channel.EchoAsync(1);
            for (var spin = random.NextInt32(2000); spin > 0; spin--)
            {
                _ = channel.Peer;
            }

            await channel.DisposeAsync().AsTask().Soon();
            try
            {
                await call;
            }
            catch (Exception e) when (e is RpcException or ObjectDisposedException)
            {
                // Whoever came first.
            }
        }

        await world.AssertIdle();
    }

    private static async Task<RpcAddress> NobodyAsync()
    {
        await using var world = new RpcWorld();
        return world.Address;
    }
}
