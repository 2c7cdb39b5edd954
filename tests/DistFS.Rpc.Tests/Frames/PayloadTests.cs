using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>Raw payloads: their bytes, their memory, and who owns it when.</summary>
public sealed class PayloadTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(9);

    public static TheoryData<int> Sizes => [0, 1, 8191, 8192, 8193, 16_384, 16_385, 65_536, 1 << 20, 4 << 20];

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Bytes_are_the_same_in_both_directions(int size)
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        for (var i = 0; i < 3; i++)
        {
            await channel.EchoBytesAsync(ConformanceService.Content.AsMemory(i, size));
            await channel.SourceAsync(size);
            await channel.SourceAsync(size, then: 4);
        }

        await Task.WhenAll(Enumerable.Range(0, 6).Select(i =>
            i % 2 == 0 ? channel.SourceAsync(size) : channel.EchoBytesAsync(
                ConformanceService.Content.AsMemory(i, size))));
    }

    [Fact]
    public async Task Many_small_ones_come_together()
    {
        // More than one receive holds, so that they end anywhere in it.
        await using var world = new RpcWorld();
        var channel = world.Channel();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async worker =>
        {
            var random = new Prng((ulong)worker);
            for (var i = 0; i < 100; i++)
            {
                var size = random.NextInt32(20_000);
                await (random.Chance(0.5)
                    ? channel.SourceAsync(size, then: random.Chance(0.5) ? 4U : 0)
                    : channel.EchoBytesAsync(ConformanceService.Content.AsMemory(i, size)));
            }
        }));
    }

    [Fact]
    public async Task The_requests_memory_is_the_callers_again_when_the_call_ended()
    {
        // Overwritten at once: a transport that still sent from it would send what the CRC does not match.
        await using var world = new RpcWorld();
        var channel = world.Channel();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            var random = new Prng((ulong)worker);
            var memory = new byte[200_000];
            for (var i = 0; i < 60; i++)
            {
                var payload = memory.AsMemory(0, random.NextInt32(1, memory.Length));
                random.Fill(payload.Span);
                var request = new EchoRequest { Crc = Crc32C.Compute(payload.Span) };
                var timeout = random.Chance(0.3) ? TimeSpan.FromMilliseconds(random.NextInt32(1, 30)) : Timeout;
                using var cancellation = new CancellationTokenSource();
                var call = channel.CallAsync(
                    Echo, request, new CallOptions(timeout, payload, default, cancellation.Token)).AsTask();
                if (random.Chance(0.3))
                {
                    await cancellation.CancelAsync();
                }

                try
                {
                    (await call.Soon()).Dispose();
                }
                catch (RpcException e)
                {
                    Assert.True(e.Code == ErrorCatalog.DeadlineExceeded, e.Message);
                }
                catch (OperationCanceledException)
                {
                    Assert.True(cancellation.IsCancellationRequested);
                }

                payload.Span.Clear();
            }
        }));
        Assert.DoesNotContain(world.Log.Lines, line => line.Contains("DFS", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(100_000)]
    public async Task A_reply_payloads_owner_is_disposed_once_however_the_call_ends(int size)
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        await channel.SourceAsync(size);
        await channel.SourceAsync(size, then: 3);
        await channel.SourceAsync(size, then: 4);
        await Eventually.Fails(ErrorCatalog.StoreIo, () => channel.SourceAsync(size, then: 1));
        await Eventually.Fails(
            ErrorCatalog.DeadlineExceeded, () => channel.SourceAsync(size, then: 2, TimeSpan.FromMilliseconds(50)));
        await Eventually.True(() => world.Service.OwnersOut == 0);

        var killed = Enumerable.Range(0, 20).Select(
            i => channel.SourceAsync(size, then: i % 2 == 0 ? 2U : 0)).ToArray();
        await Eventually.True(() => world.Service.Handled >= 20);
        await world.Server.DisposeAsync();
        foreach (var call in killed)
        {
            try
            {
                await call.Soon();
            }
            catch (RpcException)
            {
                // Those that hung.
            }
        }

        await world.AssertIdle();
    }

    [Fact]
    public async Task A_connection_that_is_cut_in_the_middle_of_payloads_loses_none()
    {
        var random = new Prng(31);
        var ends = new[] { ErrorCatalog.ConnectionLost, ErrorCatalog.ShuttingDown, ErrorCatalog.ConnectFailed };
        for (var round = 0; round < 20; round++)
        {
            await using var world = new RpcWorld();
            var channel = world.Channel();
            await channel.EchoAsync(1);
            var calls = Enumerable.Range(0, 12).Select(i => i % 2 == 0
                ? channel.SourceAsync(1 << 20)
                : channel.EchoBytesAsync(ConformanceService.Content.AsMemory(0, 1 << 20))).ToArray();
            var seen = random.NextInt32(2, 14);
            await Eventually.True(() => world.Service.Handled >= seen);
            await world.Server.DisposeAsync();
            foreach (var call in calls)
            {
                try
                {
                    await call.Soon();
                }
                catch (RpcException e)
                {
                    Assert.Contains(e.Code, ends);
                }
            }
        }
    }
}
