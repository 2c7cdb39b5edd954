using System.Collections.Concurrent;
using System.Diagnostics;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// Everything at once, by chance: calls, streams, payloads, deadlines, cancellations, cut connections.
/// </summary>
public sealed class SoakTests
{
    [Theory]
    [InlineData(101)]
    public async Task Everything_that_was_taken_is_given_back(ulong seed)
    {
        var ends = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        var server = RpcWorld.Loopback(new FrameOptions
        {
            CallsMax = 32,
            RequestWindowBytes = 9 << 20,
            SendQueueBytesMax = 2 << 20,
        });
        await using (var world = new RpcWorld(server))
        {
            var watch = Stopwatch.StartNew();
            var random = new Prng(seed);
            await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(
                () => ClientAsync(world, random.Fork(), watch, ends))));
            await world.AssertIdle();
        }

        var report = string.Join(", ", ends.OrderBy(end => end.Key).Select(end => $"{end.Key} {end.Value}"));
        Assert.True(ends.GetValueOrDefault("ok") > 1000, $"seed {seed}: {report}");
        string[] allowed = ["ok", "cancelled", "disposed", "DFS1203", "DFS1204", "DFS1212", "DFS1114"];
        Assert.True(ends.Keys.All(allowed.Contains), $"seed {seed}: {report}");
        Assert.True(ends.ContainsKey("DFS1203") && ends.ContainsKey("cancelled"), $"seed {seed}: {report}");
        AssemblySetup.AssertNothingUnobserved();
    }

    private static async Task ClientAsync(
        RpcWorld world, Prng random, Stopwatch watch, ConcurrentDictionary<string, int> ends)
    {
        while (watch.Elapsed < TimeSpan.FromSeconds(8))
        {
            await using var channel = new FrameChannel(world.Address, new FrameChannelOptions
            {
                Frames = new FrameOptions { StreamWindowBytes = 4096 << random.NextInt32(6) },
            });
            var calls = Enumerable.Range(0, random.NextInt32(1, 40)).Select(
                _ => OneAsync(channel, random.Fork(), ends)).ToArray();
            if (random.Chance(0.3))
            {
                // Cuts the connection under the calls.
                await Task.WhenAny(calls[random.NextInt32(calls.Length)], calls[0]);
                await channel.DisposeAsync();
            }

            await Task.WhenAll(calls).WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    private static async Task OneAsync(FrameChannel channel, Prng random, ConcurrentDictionary<string, int> ends)
    {
        await Task.Yield();
        var end = "ok";
        try
        {
            await CallAsync(channel, random);
        }
        catch (OperationCanceledException)
        {
            end = "cancelled";
        }
        catch (ObjectDisposedException)
        {
            end = "disposed";
        }
        catch (RpcException e)
        {
            end = e.Code.Id;
        }

        ends.AddOrUpdate(end, 1, static (_, count) => count + 1);
    }

    private static async Task CallAsync(FrameChannel channel, Prng random)
    {
        var timeout = TimeSpan.FromMilliseconds(random.Chance(0.3) ? random.NextInt32(1, 60) : 15_000);
        using var cancellation = new CancellationTokenSource();
        var size = random.Chance(0.2) ? random.NextInt32(2 << 20) : random.NextInt32(20_000);
        switch (random.NextInt32(6))
        {
            case 0:
                await channel.EchoAsync(1, timeout);
                break;
            case 1:
                await channel.EchoBytesAsync(ConformanceService.Content.AsMemory(random.NextInt32(1000), size));
                break;
            case 2:
                await channel.SourceAsync(size, random.Chance(0.2) ? 1U : 0, timeout);
                break;
            case 3:
                cancellation.CancelAfter(random.NextInt32(30));
                await channel.HangAsync(timeout, cancellation.Token);
                break;
            case 4:
                await channel.SourceAsync(size, then: 2, TimeSpan.FromMilliseconds(random.NextInt32(1, 60)));
                break;
            default:
                await StreamAsync(channel, random, timeout);
                break;
        }
    }

    private static async Task StreamAsync(FrameChannel channel, Prng random, TimeSpan timeout)
    {
        var leaveAt = random.Chance(0.3) ? random.NextInt32(100) : int.MaxValue;
        uint next = 0;
        await foreach (var reply in channel.CountAsync(
            random.NextInt32(300), random.NextInt32(3000), random.Chance(0.1), timeout))
        {
            Assert.Equal(next++, reply.Value);
            if (next > leaveAt)
            {
                break;
            }
        }
    }
}
