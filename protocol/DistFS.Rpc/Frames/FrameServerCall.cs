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
    private bool _isIntercepted;

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
        if (Intercept())
        {
            Run();
        }
    }

    /// <summary>Answers on the thread of the receive loop, if the method can; false: it is still to be executed.
    /// </summary>
    public bool TryExecuteQuickly() => HasQuick && (!Intercept() || TryRunQuickly());

    /// <summary>Whether the method has a handler that may answer at once.</summary>
    protected virtual bool HasQuick => false;

    /// <summary>Asks that handler; false: it has not answered.</summary>
    protected virtual bool TryRunQuickly() => false;

    /// <summary>Shows the call to the interceptors, once; false: it has been refused.</summary>
    private bool Intercept()
    {
        if (_isIntercepted)
        {
            if (IsCancelled)
            {
                FailWith(new OperationCanceledException("The caller gave up."));
            }

            return !IsCancelled;
        }

        try
        {
            ThrowIfCancelled();
            _isIntercepted = true;
            foreach (var interceptor in Handlers.Interceptors)
            {
                interceptor.OnCall(this);
            }

            return true;
        }
        catch (Exception e)
        {
            if (e is not (DistFsException or OperationCanceledException))
            {
                Handlers.Report(this, e);
            }

            Refuse(e);
            return false;
        }
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
        _isIntercepted = false;
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

    protected override bool HasQuick => _binding.Quick != null;

    protected override bool TryRunQuickly()
    {
        TReply? reply;
        try
        {
            reply = _binding.Quick!(_request!, this);
        }
        catch (Exception e)
        {
            FailWith(e);
            return true;
        }

        if (reply == null)
        {
            return false;
        }

        Succeed(reply);
        return true;
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
