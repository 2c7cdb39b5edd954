using System.Threading.Channels;
using System.Threading.Tasks.Sources;
using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <summary>A call of ours. It is in the connection's table, or waits for room in it, or has ended.</summary>
/// <remarks>
/// Whoever removes the call from table or queue, under the connection's gate, ends it: so exactly one of reply,
/// deadline, cancellation and loss of the connection does.
/// </remarks>
internal abstract class ClientCall : FrameWork, IPayloadOwner
{
    public abstract RpcMethod Method { get; }

    public abstract IMessage Request { get; }

    /// <summary>0 until the call is in the table.</summary>
    public ulong CallId { get; set; }

    public int BodyLength { get; protected set; }

    public ReadOnlyMemory<byte> Payload { get; protected set; }

    /// <summary>Gets the reply's payload; null: pooled memory does.</summary>
    public IPayloadSink? Sink { get; protected set; }

    public TraceId TraceId { get; protected set; }

    /// <summary>In milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long DeadlineTicks { get; protected set; }

    /// <summary>Whether the peer may have seen the request.</summary>
    public bool WasSent => CallId != 0;

    public FrameConnection? Connection { get; protected set; }

    /// <summary>Neighbours in the queue of calls that wait for room.</summary>
    public ClientCall? WaitingNext { get; set; }

    /// <inheritdoc cref="WaitingNext"/>
    public ClientCall? WaitingPrevious { get; set; }

    public bool IsWaiting { get; set; }

    public long RequestBytes => FrameHeader.Size + (long)BodyLength + Payload.Length;

    /// <summary>The last event of the call: its reply. True when the call is now ready to run.</summary>
    public abstract bool Complete(IMessage reply, Payload payload);

    /// <summary>The last event of the call: it failed.</summary>
    public abstract void Fail(Exception error);

    /// <summary>Whether the connection still uses the payload.</summary>
    public abstract bool HasLentPayload { get; }

    /// <summary>Under the gate: from here on the connection uses the payload, until it says otherwise.</summary>
    public abstract void LendPayload();

    public abstract void PayloadReleased();

    /// <summary>
    /// Under the gate, of a call in the table: from here on the connection receives into the sink's memory, until it
    /// says otherwise.
    /// </summary>
    public abstract void LendSink();

    /// <summary>Whether the call has its result, and waits at most for what it lent.</summary>
    public abstract bool IsGivenUp { get; }

    /// <summary>The sink's memory is no longer received into.</summary>
    public abstract void SinkReleased();
}

/// <summary>
/// A unary call and the task of its caller. The task ends when the result is there *and* the connection uses neither
/// the request's payload nor the memory for that of the reply, so that the caller may reuse both. Reused after its
/// result was taken.
/// </summary>
internal sealed class FrameClientCall<TRequest, TReply> : ClientCall, IValueTaskSource<RpcReply<TReply>>
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    private const int HasResult = 1;
    private const int HasPayloadBack = 2;
    private const int HasSinkBack = 4;
    private const int HasAll = HasResult | HasPayloadBack | HasSinkBack;

    private ManualResetValueTaskSourceCore<RpcReply<TReply>> _core;
    private RpcMethod<TRequest, TReply>? _method;
    private TRequest? _request;
    private RpcReply<TReply> _reply;
    private Exception? _error;
    private CancellationTokenRegistration _registration;
    private long _started;
    private int _state;

    public override RpcMethod Method => _method!;

    public override IMessage Request => _request!;

    public ValueTask<RpcReply<TReply>> Task => new(this, _core.Version);

    public void Begin(
        FrameConnection connection, RpcMethod<TRequest, TReply> method, TRequest request, in CallOptions options)
    {
        Connection = connection;
        _method = method;
        _request = request;
        _state = HasPayloadBack | HasSinkBack;
        _started = RpcMetrics.ClientStart();
        CallId = 0;
        BodyLength = request.CalculateSize();
        Payload = options.Payload;
        Sink = options.Sink;
        TraceId = options.TraceId.IsNone ? TraceId.Current : options.TraceId;
        DeadlineTicks = FrameConnection.Deadline(options.Timeout);
    }

    /// <summary>Before the caller has the task, so that its end cannot come before the registration.</summary>
    public void RegisterCancellation(CancellationToken cancellation)
    {
        if (cancellation.CanBeCanceled)
        {
            _registration = cancellation.UnsafeRegister(
                static (call, token) =>
                {
                    var self = (FrameClientCall<TRequest, TReply>)call!;
                    self.Connection!.Abandon(self, new OperationCanceledException(token));
                },
                this);
        }
    }

    public override bool HasLentPayload => (Volatile.Read(ref _state) & HasPayloadBack) == 0;

    public override void LendPayload() => _state = HasSinkBack;

    public override void LendSink() => Interlocked.And(ref _state, ~HasSinkBack);

    public override bool IsGivenUp => (Volatile.Read(ref _state) & HasResult) != 0;

    public override bool Complete(IMessage reply, Payload payload)
    {
        _reply = new RpcReply<TReply>((TReply)reply, payload);
        return Signal(HasResult);
    }

    public override void Fail(Exception error)
    {
        _error = error;
        if (Signal(HasResult))
        {
            Queue();
        }
    }

    public override void PayloadReleased()
    {
        if (Signal(HasPayloadBack))
        {
            Queue();
        }
    }

    public override void SinkReleased()
    {
        if (Signal(HasSinkBack))
        {
            Queue();
        }
    }

    public override void Execute()
    {
        RpcMetrics.ClientEnd(_method!, _started, _error switch
        {
            null => FsStatus.Ok,
            DistFsException e => e.Status,
            _ => FsStatus.Cancelled,
        });
        if (_error != null)
        {
            _core.SetException(_error);
        }
        else
        {
            _core.SetResult(_reply);
        }
    }

    public RpcReply<TReply> GetResult(short token)
    {
        // Before anything is touched: a call under way must not go back to the pool.
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            throw new InvalidOperationException("The call has not ended: await its task instead of blocking on it.");
        }

        // Waits for a cancellation that is just being looked at: it must not meet the call's next life.
        _registration.Dispose();
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            var pool = _method!.ClientCalls;
            _core.Reset();
            _registration = default;
            _request = null;
            _reply = default;
            _error = null;
            Payload = default;
            Sink = null;
            Connection = null;
            pool.Return(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>True for the signal that makes all of them.</summary>
    private bool Signal(int what) => (Interlocked.Or(ref _state, what) | what) == HasAll;
}

/// <summary>A streaming call. Its replies queue up for the reader, who grants the sender what it has taken.</summary>
internal sealed class FrameClientStream<TReply> : ClientCall, IStreamSink
    where TReply : class, IMessage<TReply>, new()
{
    private readonly Channel<(TReply Reply, int Bytes)> _replies = Channel.CreateUnbounded<(TReply, int)>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = false });

    private long _buffered;
    private Exception? _error;

    public FrameClientStream(FrameConnection connection, RpcMethod method, IMessage request, in CallOptions options)
    {
        Connection = connection;
        Method = method;
        Request = request;
        BodyLength = request.CalculateSize();
        TraceId = options.TraceId.IsNone ? TraceId.Current : options.TraceId;
        DeadlineTicks = FrameConnection.Deadline(options.Timeout);
    }

    public override RpcMethod Method { get; }

    public override IMessage Request { get; }

    public ChannelReader<(TReply Reply, int Bytes)> Replies => _replies.Reader;

    /// <summary>How it ended; only after its end.</summary>
    public FsStatus Status => _error switch
    {
        null => FsStatus.Ok,
        DistFsException e => e.Status,
        _ => FsStatus.Cancelled,
    };

    /// <summary>Takes a reply from the receive loop; false when the sender exceeds what it was granted.</summary>
    public bool Add(IMessage reply, int bytes, long windowBytes)
    {
        // The sender may begin a reply while a single byte of the window is left.
        if (Interlocked.Add(ref _buffered, bytes) - bytes >= windowBytes)
        {
            return false;
        }

        // Fails after the end, when the reader has left: then nobody wants it.
        _ = _replies.Writer.TryWrite(((TReply)reply, bytes));
        return true;
    }

    /// <summary>The reader has taken so many bytes.</summary>
    public void Taken(int bytes) => Interlocked.Add(ref _buffered, -bytes);

    public override bool Complete(IMessage reply, Payload payload)
    {
        _replies.Writer.TryComplete();
        return false;
    }

    public override void Fail(Exception error)
    {
        _error = error;
        _replies.Writer.TryComplete(error);
    }

    public override bool HasLentPayload => false;

    public override void LendPayload() => Check.Fail("a stream has no payload");

    public override void PayloadReleased() => Check.Fail("a stream has no payload");

    public override void LendSink() => Check.Fail("a stream has no sink");

    public override bool IsGivenUp => false;

    public override void SinkReleased() => Check.Fail("a stream has no sink");

    public override void Execute() => Check.Fail("a stream is never ready as a whole");
}
