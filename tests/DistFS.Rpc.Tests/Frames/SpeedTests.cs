using System.Diagnostics;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// Bounds that a change must not break unnoticed: allocation of a call, and the priority lane's latency.
/// </summary>
public sealed class SpeedTests
{
    [Fact]
    public async Task A_warm_call_allocates_its_messages_only()
    {
        const int Calls = 10_000;
        const int RoundsMax = 30;
        await using var world = new RpcWorld();
        var channel = world.Channel();

        // Request and reply on both sides. The slack is what timers and the runtime do meanwhile: half a message.
        var messages = 2 * (Size(() => new EchoRequest()) + Size(() => new EchoReply()));

        // What each call allocates is in every round; what the compiler has not come to yet, or does meanwhile, is not.
        var perCall = double.MaxValue;
        for (var round = 0; round < RoundsMax && perCall > messages + 24; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await Task.Run(() => RunAsync(channel, Calls));
            perCall = Math.Min(perCall, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Calls);
        }

        Assert.True(perCall <= messages + 24, $"{perCall} bytes per call; four messages have {messages}");
    }

    [Fact]
    public async Task Small_calls_of_the_priority_lane_pass_large_transfers()
    {
        await using var world = new RpcWorld();
        var bulk = world.Channel();
        var priority = world.Channel(new FrameOptions { Lane = Lane.Priority });
        await Task.WhenAll(bulk.EchoAsync(1), priority.EchoAsync(1));
        using var stop = new CancellationTokenSource();
        long moved = 0;
        var transfers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var reply = await bulk.CallAsync(
                    Source, new SourceRequest { Bytes = 1 << 20 }, new CallOptions(TimeSpan.FromSeconds(9)));
                Interlocked.Add(ref moved, reply.Payload.Length);
            }
        })).ToArray();
        await Eventually.True(() => Interlocked.Read(ref moved) > 20 << 20);
        var times = new List<double>();
        for (ulong i = 0; i < 1000; i++)
        {
            var start = Stopwatch.GetTimestamp();
            Assert.Equal(i, await priority.EchoAsync(i));
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        await stop.CancelAsync();
        await Task.WhenAll(transfers).Soon();
        times.Sort();
        Assert.True(times[990] < 50, $"p50 {times[500]} ms, p99 {times[990]} ms");
        Assert.True(moved > 50 << 20, $"{moved} bytes moved meanwhile");
    }

    // Not on the test's own context, whose every continuation is an object.
    private static async Task RunAsync(FrameChannel channel, int rounds)
    {
        var options = new CallOptions(TimeSpan.FromSeconds(60));
        for (var i = 0; i < rounds; i++)
        {
            using var reply = await channel.CallAsync(EchoInline, new EchoRequest { Value = (ulong)i }, options);
            if (reply.Message.Value != (ulong)i)
            {
                // Not asserted on the way: an assertion allocates.
                Assert.Fail($"{reply.Message.Value} instead of {i}");
            }
        }
    }

    private static long Size(Func<object> create)
    {
        _ = create();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _ = create();
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;
    }
}
