using System.Buffers.Binary;
using Microsoft.Extensions.Logging.Abstractions;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// Random and mutated input never crashes, hangs or allocates beyond twice the declared length + 64 KiB
/// (reliability.md, section 3, Decoders). No sockets: each connection plays a script and ends.
/// </summary>
public sealed class MutatedFramesTests
{
    // 64 KiB, and once more for the stack trace of an exception out of protobuf's 100 nested groups, which is 60 KB
    // whatever the frame's size.
    private const int AllocationSlackBytes = (64 + 64) << 10;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private readonly ConformanceService _service = new();

    [Theory]
    [InlineData(1, 52_000)]
    public async Task A_server_survives(ulong seed, int count)
    {
        byte[][] sound =
        [
            FrameBytes.Request(Echo, new EchoRequest { Value = 77, Crc = 5 }, 9, ConformanceService.Bytes(300, 1)),
            FrameBytes.Request(EchoInline, new EchoRequest { Value = 77 }, 9, ConformanceService.Bytes(9000, 1)),
            FrameBytes.Request(Fail, new FailRequest { Status = 5, Code = 1203, Message = "abcdefgh" }, 9),
            FrameBytes.Request(Count, new CountRequest { Items = 3, Bytes = 100 }, 9),
            FrameBytes.Request(Hang, new HangRequest(), 9),
            FrameBytes.Frame(FrameKind.Cancel, callId: 5),
            FrameBytes.Frame(FrameKind.Credit, argument: 5000, callId: 5),
            FrameBytes.Frame(FrameKind.GoAway, new GoAway { Reason = new ErrorInfo { Code = 1212, Message = "bye" } }),
            FrameBytes.Frame(FrameKind.Ping),
            FrameBytes.HelloFrame(),
        ];
        byte[] greeting = [.. FrameBytes.HelloFrame(), .. FrameBytes.Request(Hang, new HangRequest(), 5)];
        await PlayAsync(seed, count, sound, random => random.Chance(0.2) ? [] : greeting, static _ => []);
    }

    [Theory]
    [InlineData(2, 52_000)]
    public async Task A_client_survives(ulong seed, int count)
    {
        // The first calls of a connection have these ids.
        const ulong Unary = 1 << 16, Stream = (2 << 16) | 1, Given = (3 << 16) | 2;
        byte[][] sound =
        [
            FrameBytes.Frame(
                FrameKind.Reply, new EchoReply { Value = 7 }, ConformanceService.Bytes(300, 1), callId: Unary),
            FrameBytes.Frame(FrameKind.Reply, callId: Stream),
            FrameBytes.Frame(FrameKind.Reply, new HangReply(), ConformanceService.Bytes(9000, 1), callId: Given),
            FrameBytes.Frame(
                FrameKind.StreamItem, new CountReply { Content = ByteString.CopyFrom(new byte[50]) }, callId: Stream),
            FrameBytes.Frame(
                FrameKind.Error, new ErrorInfo { Code = 1203, Status = 110, Message = "late" }, callId: Unary),
            FrameBytes.Frame(FrameKind.Error, new ErrorInfo { Code = 4444, Message = "future" }, callId: Stream),
            FrameBytes.Frame(FrameKind.GoAway, new GoAway { Reason = new ErrorInfo { Code = 1212, Message = "bye" } }),
        ];
        await PlayAsync(seed, count, sound, static _ => FrameBytes.HelloFrame(), connection =>
        [
            connection.EchoAsync(1, Timeout),
            ReadAllAsync(connection.CountAsync(3, timeout: Timeout)),
            GiveUp(connection),
        ]);
    }

    private static async Task ReadAllAsync(IAsyncEnumerable<CountReply> stream)
    {
        await foreach (var reply in stream)
        {
            _ = reply;
        }
    }

    private static async Task GiveUp(FrameConnection connection)
    {
        using var cancellation = new CancellationTokenSource();
        var call = connection.HangAsync(Timeout, cancellation.Token);
        await cancellation.CancelAsync();
        await call;
    }

    private async Task PlayAsync(
        ulong seed, int count, byte[][] sound, Func<Prng, byte[]> greeting, Func<FrameConnection, Task[]> calls)
    {
        var handlers = new FrameHandlers(_service.Dispatcher(), NullLogger.Instance);
        var options = new FrameOptions();
        var before = PooledBuffer.Outstanding;
        var random = new Prng(seed);
        for (var i = 0; i < count; i++)
        {
            var frame = FrameMutation.Apply(
                random, sound[random.NextInt32(sound.Length)], sound[random.NextInt32(sound.Length)]);
            var first = greeting(random);
            var mayDeliver = new TaskCompletionSource();
            var transport = new ScriptTransport(piece =>
            {
                if (piece == 1)
                {
                    mayDeliver.Task.Wait(Eventually.Limit);
                }

                return piece == 0 && first.Length > 0 ? first : piece <= 1 ? frame : default;
            });
            var what = $"seed {seed}, frame {i}: {Convert.ToHexString(frame)}";
            var connection = FrameConnection.Start(transport, options, handlers);
            Task[] made = [];
            if (first.Length > 0)
            {
                await connection.HandshakeAsync(default).Soon();
                made = calls(connection);
            }

            mayDeliver.SetResult();
            await EndsAsync(connection.Closed, what);
            foreach (var call in made)
            {
                await EndsAsync(call, what);
            }

            Assert.True(transport.Allocated <= Allowed(frame), $"{transport.Allocated} bytes allocated, {what}");
        }

        await Eventually.True(() => _service.Running == 0);
        await Eventually.True(() => PooledBuffer.Outstanding == before);
        Assert.Equal(0, _service.OwnersOut);
    }

    /// <summary>
    /// Twice what the frame declares, if that is within the limits, and what its bytes hold behind it.
    /// </summary>
    private static long Allowed(byte[] frame)
    {
        var declared = frame.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(frame) : 0;
        return (2 * ((declared <= 8 << 20 ? declared : 0) + frame.Length)) + AllocationSlackBytes;
    }

    private static async Task EndsAsync(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Eventually.Limit);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            // The typed end that is asked for.
        }
        catch (Exception e)
        {
            Assert.Fail($"{e.GetType()}: {e.Message}, {what}");
        }
    }
}
