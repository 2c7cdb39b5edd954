using System.Buffers;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests;

/// <summary>The handlers of conformance.proto. Counts what a transport must not lose.</summary>
internal sealed class ConformanceService
{
    public static readonly byte[] Content = Bytes(8 << 20, seed: 7);

    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _unblocked = new();
    private int _running;
    private int _blocked;
    private int _cancelled;
    private int _handled;
    private int _ownersOut;
    private int _ownersTwice;
    private long _streamBytes;

    /// <summary>Handlers that have started and not ended.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Handlers that block a thread now.</summary>
    public int Blocked => Volatile.Read(ref _blocked);

    /// <summary>Handlers that were told that their caller gave up.</summary>
    public int Cancelled => Volatile.Read(ref _cancelled);

    /// <summary>Handlers that have started.</summary>
    public int Handled => Volatile.Read(ref _handled);

    /// <summary>Owners of reply payloads that were not disposed.</summary>
    public int OwnersOut => Volatile.Read(ref _ownersOut);

    /// <summary>Owners that were disposed more than once.</summary>
    public int OwnersTwice => Volatile.Read(ref _ownersTwice);

    /// <summary>Bytes of all stream items that were accepted for sending.</summary>
    public long StreamBytes => Interlocked.Read(ref _streamBytes);

    public RpcDispatcher Dispatcher() => new RpcDispatcher()
        .Handle(Echo, (request, call) => Counted(() => EchoAsync(request, call)))
        .Handle(EchoInline, EchoAsync, HandlerScheduling.Inline)
        .Handle(Source, (request, call) => Counted(() => SourceAsync(request, call)))
        .Handle(Fail, (request, _) => request.Unexpected
            ? throw new InvalidDataException("secret of the server")
            : throw RpcException.FromInfo(
                new ErrorInfo { Status = request.Status, Code = request.Code, Message = request.Message }))
        .Handle(Hang, (_, call) => Counted(() => HangAsync(call)))
        .Handle(Block, (_, _) => Counted(BlockAsync))
        .Handle(Count, CountAsync)
        .Handle(CallBack, async (request, call) =>
        {
            using var reply = await call.Peer.Caller!.CallAsync(
                Echo, new EchoRequest { Value = request.Value + 1 }, new CallOptions(TimeSpan.FromSeconds(9)));
            return reply.Message;
        });

    /// <summary>Ends every Hang, now and later.</summary>
    public void ReleaseHanging() => _released.TrySetResult();

    /// <summary>Ends every Block, now and later.</summary>
    public void ReleaseBlocked() => _unblocked.TrySetResult();

    public static byte[] Bytes(int length, ulong seed)
    {
        var bytes = new byte[length];
        new Prng(seed).Fill(bytes);
        return bytes;
    }

    private static ValueTask<EchoReply> EchoAsync(EchoRequest request, ServerCall call)
    {
        if (request.HasCrc && request.Crc != Crc32C.Compute(call.Payload.Span))
        {
            throw new RpcException(ErrorCatalog.CompressionCorrupt, "the payload is not what was sent");
        }

        call.EchoPayload();
        return new(new EchoReply { Value = request.Value });
    }

    private async ValueTask<SourceReply> SourceAsync(SourceRequest request, ServerCall call)
    {
        call.SetReplyPayload(Content.AsMemory(0, (int)request.Bytes), new Owner(this));
        switch (request.Then)
        {
            case 1:
                throw new RpcException(ErrorCatalog.StoreIo, "after the payload");
            case 2:
                await HangAsync(call);
                break;
            case 3:
                call.SetReplyPayload(Content.AsMemory(0, (int)request.Bytes), new Owner(this));
                break;
            case 4:
                call.SetReplyPayload(InParts((int)request.Bytes), new Owner(this));
                break;
            default:
                break;
        }

        return new SourceReply();
    }

    /// <summary>The content from several places: parts that are sent from there between some that are copied.</summary>
    private static ReadOnlySequence<byte> InParts(int length)
    {
        int[] lengths = [10, 20_000, 8_192, 8_193, 0, 1, 70_000];
        var first = new Part(default, 0);
        var last = first;
        for (var (at, i) = (0, 0); at < length; i++)
        {
            var count = Math.Min(lengths[i % lengths.Length], length - at);
            last = last.Before(Content.AsMemory(at, count));
            at += count;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        public Part(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Part Before(ReadOnlyMemory<byte> memory)
        {
            var next = new Part(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }

    private async ValueTask<HangReply> HangAsync(ServerCall call)
    {
        try
        {
            await _released.Task.WaitAsync(call.CancellationToken);
            return new HangReply();
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _cancelled);
            throw;
        }
    }

    private ValueTask<HangReply> BlockAsync()
    {
        Interlocked.Increment(ref _blocked);
        _unblocked.Task.Wait(Eventually.Limit);
        Interlocked.Decrement(ref _blocked);
        return new(new HangReply());
    }

    private async ValueTask CountAsync(CountRequest request, IReplyWriter<CountReply> replies, ServerCall call)
    {
        Interlocked.Increment(ref _running);
        Interlocked.Increment(ref _handled);
        try
        {
            var content = ByteString.CopyFrom(Content.AsSpan(0, (int)request.Bytes));
            for (uint i = 0; i < request.Items; i++)
            {
                await replies.WriteAsync(new CountReply { Value = i, Content = content });
                Interlocked.Add(ref _streamBytes, content.Length);
            }

            if (request.Fail)
            {
                throw new RpcException(ErrorCatalog.StoreIo, "in the middle");
            }
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _cancelled);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async ValueTask<T> Counted<T>(Func<ValueTask<T>> handler)
    {
        Interlocked.Increment(ref _running);
        Interlocked.Increment(ref _handled);
        try
        {
            return await handler();
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private sealed class Owner : IDisposable
    {
        private readonly ConformanceService _service;
        private int _disposed;

        public Owner(ConformanceService service)
        {
            _service = service;
            Interlocked.Increment(ref service._ownersOut);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0)
            {
                Interlocked.Increment(ref _service._ownersTwice);
            }

            Interlocked.Decrement(ref _service._ownersOut);
        }
    }
}
