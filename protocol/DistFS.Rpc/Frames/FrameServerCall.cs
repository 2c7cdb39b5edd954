using System.Runtime.CompilerServices;
using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <summary>A call of the peer, from its request frame to its last frame.</summary>
internal abstract class FrameServerCall : ServerCall, IPayloadOwner
{
    private static readonly RpcPeer Gone = new("", null, "", default, null);

    private readonly Work _work;
    private FrameConnection? _connection;
    private Payload _requestPayload;
    private Payload _echoed;
    private long _started;

    protected FrameServerCall() => _work = new Work(this);

    public ulong CallId { get; private set; }

    public long RequestBytes { get; private set; }

    public abstract HandlerScheduling Scheduling { get; }

    public override RpcPeer Peer => _connection?.Peer ?? Gone;

    public bool IsMarked => IsCancelled;

    /// <summary>The call as a member of the receive loop's list.</summary>
    public FrameWork AsWork => _work;

    protected FrameConnection Connection => _connection!;

    protected abstract FrameHandlers Handlers { get; }

    public void Begin(FrameConnection connection, in FrameHeader header)
    {
        _connection = connection;
        _started = RpcMetrics.ServerStart();
        CallId = header.CallId;
        RequestBytes = header.FrameLength;
        TraceId = header.TraceId;
        DeadlineTicks = header.Argument == 0 ? NoDeadline : Environment.TickCount64 + header.Argument;
    }

    /// <summary>Reads the request; the result says why it is refused.</summary>
    public abstract RpcException? Parse(ReadOnlySpan<byte> body);

    public void TakePayload(Payload payload)
    {
        _requestPayload = payload;
        Payload = payload.Memory;
    }

    public override void EchoPayload()
    {
        // Kept until the reply was sent, then released with it.
        var (memory, kept) = (Payload, _requestPayload);
        if (kept.Length > 0)
        {
            _requestPayload = default;
            _echoed = kept;
            SetReplyPayload(memory);
        }
    }

    public void Queue() => _work.Queue();

    /// <summary>Runs the handler, up to its first wait.</summary>
    public void Execute()
    {
        try
        {
            ThrowIfCancelled();
            foreach (var interceptor in Handlers.Interceptors)
            {
                interceptor.OnCall(this);
            }
        }
        catch (Exception e)
        {
            if (e is not (DistFsException or OperationCanceledException))
            {
                Handlers.Report(this, e);
            }

            Refuse(e);
            return;
        }

        Run();
    }

    /// <summary>Ends the call without its handler.</summary>
    public void Refuse(Exception error)
    {
        error = Explained(error);
        var connection = _connection!;
        ReleaseRequestPayload();
        RpcMetrics.ServerEnd(Method, _started, StatusOf(error));
        connection.EndServed(this, FrameKind.Error, RpcException.ToInfo(error), default, null);
    }

    public void PayloadReleased()
    {
        ReleaseReply();
        Recycle();
    }

    protected abstract void Run();

    protected abstract void Recycle();

    /// <summary>The handler returned.</summary>
    protected void Succeed(IMessage? reply)
    {
        Ended(FsStatus.Ok);
        if (!_connection!.EndServed(this, FrameKind.Reply, reply, ReplyPayload, this))
        {
            PayloadReleased();
        }
    }

    /// <summary>The handler threw.</summary>
    protected void FailWith(Exception error)
    {
        if (error is not (DistFsException or OperationCanceledException))
        {
            Handlers.Report(this, error);
        }

        error = Explained(error);
        Ended(StatusOf(error));
        ReleaseReply();
        _connection!.EndServed(this, FrameKind.Error, RpcException.ToInfo(error), default, null);
    }

    protected bool TryReset()
    {
        var reusable = ResetForReuse();
        _connection = null;
        return reusable;
    }

    private void Ended(FsStatus status)
    {
        ReleaseRequestPayload();
        foreach (var interceptor in Handlers.Interceptors)
        {
            try
            {
                interceptor.OnCompleted(this, status);
            }
            catch (Exception e)
            {
                // The handler's result stands, and the caller waits for it.
                Handlers.Report(this, e);
            }
        }

        RpcMetrics.ServerEnd(Method, _started, status);
    }

    // The caller learns it from whoever looks at the clock first: it must be the same error.
    private Exception Explained(Exception error) =>
        error is OperationCanceledException && Environment.TickCount64 >= DeadlineTicks
            ? new RpcException(
                ErrorCatalog.DeadlineExceeded, $"{Method}: not done in time.", error, outcomeUnknown: true)
            : error;

    private void ReleaseReply()
    {
        try
        {
            DropReplyPayload();
        }
        catch (Exception e)
        {
            // The owner's own affair; the call has ended well or badly without it.
            Handlers.Report(this, e);
        }

        _echoed.Dispose();
        _echoed = default;
    }

    protected override void CancellationFailed(Exception error) => Handlers.Report(this, error);

    private void ReleaseRequestPayload()
    {
        _requestPayload.Dispose();
        _requestPayload = default;
        Payload = default;
    }

    private static FsStatus StatusOf(Exception error) => error switch
    {
        DistFsException e => e.Status,
        OperationCanceledException => FsStatus.Cancelled,
        _ => FsStatus.IoError,
    };

    private sealed class Work(FrameServerCall call) : FrameWork
    {
        public override void Execute() => call.Execute();
    }
}

/// <summary>A unary call; reused.</summary>
internal sealed class FrameUnaryCall<TRequest, TReply> : FrameServerCall
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    private readonly UnaryBinding<TRequest, TReply> _binding;
    private readonly ObjectPool<FrameServerCall> _pool;
    private readonly Action _onHandled;
    private TRequest? _request;
    private ValueTaskAwaiter<TReply> _awaiter;

    public FrameUnaryCall(
        UnaryBinding<TRequest, TReply> binding, ObjectPool<FrameServerCall> pool, FrameHandlers handlers)
    {
        _binding = binding;
        _pool = pool;
        Handlers = handlers;
        _onHandled = () => Finish(_awaiter);
    }

    public override RpcMethod Method => _binding.TypedMethod;

    public override HandlerScheduling Scheduling => _binding.Scheduling;

    protected override FrameHandlers Handlers { get; }

    public override RpcException? Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            _request = _binding.TypedMethod.RequestParser.ParseFrom(body);
            return null;
        }
        catch (InvalidProtocolBufferException e)
        {
            return new RpcException(ErrorCatalog.BadRequest, $"{Method}: {e.Message}", e);
        }
    }

    protected override void Run()
    {
        ValueTaskAwaiter<TReply> awaiter;
        try
        {
            awaiter = _binding.Handler(_request!, this).GetAwaiter();
        }
        catch (Exception e)
        {
            FailWith(e);
            return;
        }

        if (awaiter.IsCompleted)
        {
            Finish(awaiter);
        }
        else
        {
            _awaiter = awaiter;
            awaiter.UnsafeOnCompleted(_onHandled);
        }
    }

    protected override void Recycle()
    {
        _request = null;
        _awaiter = default;
        if (TryReset())
        {
            _pool.Return(this);
        }
    }

    private void Finish(ValueTaskAwaiter<TReply> awaiter)
    {
        TReply reply;
        try
        {
            reply = awaiter.GetResult();
        }
        catch (Exception e)
        {
            FailWith(e);
            return;
        }

        Succeed(reply);
    }
}

/// <summary>A streaming call; made anew for each.</summary>
internal sealed class FrameStreamCall<TRequest, TReply>(StreamBinding<TRequest, TReply> binding, FrameHandlers handlers)
    : FrameServerCall, IReplyWriter<TReply>, IBlockedStream
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    private TRequest? _request;
    private long _credit;
    private TaskCompletionSource? _wake;
    private int _writing;

    public override RpcMethod Method => binding.TypedMethod;

    public override HandlerScheduling Scheduling => HandlerScheduling.Pool;

    protected override FrameHandlers Handlers => handlers;

    public override RpcException? Parse(ReadOnlySpan<byte> body)
    {
        _credit = Connection.StreamCredit;
        try
        {
            _request = binding.TypedMethod.RequestParser.ParseFrom(body);
            return null;
        }
        catch (InvalidProtocolBufferException e)
        {
            return new RpcException(ErrorCatalog.BadRequest, $"{Method}: {e.Message}", e);
        }
    }

    public async ValueTask WriteAsync(TReply reply)
    {
        if (Interlocked.Exchange(ref _writing, 1) != 0)
        {
            throw new InvalidOperationException("One reply at a time: await the last one first.");
        }

        try
        {
            await WriteNextAsync(reply).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    private async ValueTask WriteNextAsync(TReply reply)
    {
        while (true)
        {
            ThrowIfCancelled();
            var wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _wake, wake);
            if (Connection.TrySendItem(this, reply, this, ref _credit))
            {
                return;
            }

            await wake.Task.WaitAsync(CancellationToken).ConfigureAwait(false);
        }
    }

    public void Grant(long bytes)
    {
        _credit += bytes;
        Wake();
    }

    public void Wake() => Volatile.Read(ref _wake)?.TrySetResult();

    protected override void Run() => _ = RunAsync();

    // Not reused: a stream is long, and its parts may still be held by whoever wakes it.
    protected override void Recycle()
    {
    }

    private async Task RunAsync()
    {
        try
        {
            await binding.Handler(_request!, this, this).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            FailWith(e);
            return;
        }

        Succeed(null);
    }
}
