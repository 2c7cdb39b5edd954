using System.Buffers;
using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <content>
/// Our calls to the peer. A call id is a slot of the table and a number that never repeats, so finding the call of a
/// reply is an index and a comparison. The slot stays taken until the peer has ended the call, also when the caller
/// gave up before, for so long counts the request in the peer's window.
/// </content>
internal sealed partial class FrameConnection
{
    private const int SlotBits = 16;
    private const int WaitingMax = 65536;

    private Slot[] _slots = new Slot[64];
    private int _slotsUsed;
    private int _freeSlot = -1;
    private ulong _callNumber;
    private int _callsUnderWay;
    private long _windowUsed;
    private ClientCall? _waitingFirst;
    private ClientCall? _waitingLast;
    private int _waitingCount;

    /// <inheritdoc/>
    public ValueTask<RpcReply<TReply>> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, in CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(request);
        method.RequireKind(RpcMethodKind.Unary);
        var effective = Intercept(method, options);
        var call = method.ClientCalls.Rent();
        call.Begin(this, method, request, effective);
        bool flush;
        RpcException? refused;
        lock (_gate)
        {
            refused = StartUnderGate(call, out flush);
        }

        if (refused != null)
        {
            call.Fail(refused);
        }
        else
        {
            StartFlush(flush);
            call.RegisterCancellation(effective.Cancellation);
        }

        return call.Task;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TReply> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(request);
        method.RequireKind(RpcMethodKind.ServerStreaming);
        options = Intercept(method, options);
        if (!options.Payload.IsEmpty)
        {
            throw new ArgumentException($"{method} streams, and takes no payload.", nameof(options));
        }

        if (options.Sink != null)
        {
            throw new ArgumentException($"{method} streams, and has no payload for a sink.", nameof(options));
        }

        var stream = new FrameClientStream<TReply>(this, method, request, options);
        bool flush;
        RpcException? refused;
        lock (_gate)
        {
            refused = StartUnderGate(stream, out flush);
        }

        var started = RpcMetrics.ClientStart();
        if (refused != null)
        {
            RpcMetrics.ClientEnd(method, started, refused.Status);
            throw refused;
        }

        StartFlush(flush);
        await using var registration = options.Cancellation.UnsafeRegister(
            static (s, token) =>
            {
                var self = (FrameClientStream<TReply>)s!;
                self.Connection!.Abandon(self, new OperationCanceledException(token));
            },
            stream).ConfigureAwait(false);
        try
        {
            var taken = 0;
            var replies = stream.Replies.ReadAllAsync(CancellationToken.None).ConfigureAwait(false);
            await foreach (var (reply, bytes) in replies)
            {
                stream.Taken(bytes);
                taken += bytes;
                if (taken >= _options.StreamWindowBytes / 2)
                {
                    Send(FrameKind.Credit, stream.CallId, (uint)taken);
                    taken = 0;
                }

                yield return reply;
            }
        }
        finally
        {
            // The reader may leave before the end; after it this finds nothing.
            Abandon(stream, new OperationCanceledException());
            RpcMetrics.ClientEnd(method, started, stream.Status);
        }
    }

    /// <summary>The time at which a call that starts now is given up.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    internal static long Deadline(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        return timeout.TotalMilliseconds >= uint.MaxValue
            ? ServerCall.NoDeadline
            : Environment.TickCount64 + Math.Max(1, (long)timeout.TotalMilliseconds);
    }

    /// <summary>Ends a call on this side: the caller gave up, or its deadline passed.</summary>
    internal void Abandon(ClientCall call, Exception error)
    {
        bool flush;
        lock (_gate)
        {
            if (!AbandonUnderGate(call, out flush))
            {
                return;
            }
        }

        StartFlush(flush);
        call.Fail(error);
    }

    /// <summary>Takes the call from its owner's sight; its slot stays until the peer answers.</summary>
    private bool AbandonUnderGate(ClientCall call, out bool flush)
    {
        flush = false;
        if (call.IsWaiting)
        {
            // It may have been the one that needed more room than those behind it.
            RemoveWaitingUnderGate(call);
            flush = AdmitWaitingUnderGate();
            return true;
        }

        var slot = FindSlotUnderGate(call.CallId);
        if (slot < 0 || _slots[slot].Call != call)
        {
            return false;
        }

        _slots[slot].Call = null;
        _slots[slot].Abandoned = call;
        _slots[slot].AbandonedAt = FrameTicker.Patience.Now;
        flush = AppendUnderGate(FrameKind.Cancel, call.CallId, 0, null);
        return true;
    }

    private CallOptions Intercept(RpcMethod method, in CallOptions options)
    {
        var effective = options;
        foreach (var interceptor in _options.Interceptors)
        {
            effective = interceptor.OnCall(method, effective);
        }

        return effective;
    }

    private RpcException? StartUnderGate(ClientCall call, out bool flush)
    {
        flush = false;
        var refused = RefusalUnderGate(call);
        if (refused != null)
        {
            return refused;
        }

        if (_waitingFirst != null || !HasRoomUnderGate(call))
        {
            if (_waitingCount >= WaitingMax)
            {
                return new RpcException(
                    ErrorCatalog.Overloaded,
                    $"{call.Method}: {WaitingMax} calls wait for room on the connection to {Peer}.");
            }

            AddWaitingUnderGate(call);
            return null;
        }

        return SendRequestUnderGate(call, out flush);
    }

    private RpcException? RefusalUnderGate(ClientCall call)
    {
        if (_closeReason != null)
        {
            return Lost(_closeReason, sent: false);
        }

        if (_peerGoesAway || _weGoAway || _closingReason != null)
        {
            return new RpcException(
                ErrorCatalog.ShuttingDown, $"{call.Method}: the connection to {Peer} takes no new calls.");
        }

        if (call.Method.Id == 0)
        {
            return new RpcException(
                ErrorCatalog.UnknownMethod, $"{call.Method} has no number, so it is not offered over frames.");
        }

        if (call.BodyLength > _peerBodyBytesMax || call.Payload.Length > _peerPayloadBytesMax)
        {
            return new RpcException(
                ErrorCatalog.MessageTooLarge,
                $"{call.Method}: a request of {call.BodyLength} bytes with a payload of {call.Payload.Length}; "
                    + $"{Peer} takes "
                    + $"{_peerBodyBytesMax} and {_peerPayloadBytesMax}.");
        }

        return null;
    }

    private bool HasRoomUnderGate(ClientCall call) =>
        _callsUnderWay < _peerCallsMax
        && _windowUsed + call.RequestBytes <= _peerWindowBytes
        && QueuedBytes <= _options.SendQueueBytesMax;

    /// <returns>Why it could not be sent: its message or payload cannot be read. Then it occupies nothing.</returns>
    private RpcException? SendRequestUnderGate(ClientCall call, out bool flush)
    {
        var remaining = call.DeadlineTicks == ServerCall.NoDeadline
            ? 0
            : (uint)Math.Max(1, call.DeadlineTicks - Environment.TickCount64);
        var slot = TakeSlotUnderGate();
        var callId = (++_callNumber << SlotBits) | (uint)slot;
        var header = new FrameHeader(
            FrameKind.Request,
            call.BodyLength,
            call.Payload.Length,
            call.Method.Id,
            remaining,
            callId,
            call.TraceId);
        try
        {
            var payload = new ReadOnlySequence<byte>(call.Payload);
            flush = AppendUnderGate(header, call.Request, payload, call, out var lent);
            if (lent)
            {
                call.LendPayload();
            }
        }
        catch (Exception e)
        {
            flush = false;
            _slots[slot] = new Slot { NextFree = _freeSlot };
            _freeSlot = slot;
            return new RpcException(
                ErrorCatalog.BadRequest, $"{call.Method}: the request cannot be sent: {e.Message}", e);
        }

        call.CallId = callId;
        _slots[slot] = new Slot { Call = call, CallId = callId, RequestBytes = call.RequestBytes };
        _callsUnderWay++;
        _windowUsed += call.RequestBytes;
        return null;
    }

    /// <summary>Room has come: calls that wait for it start, in their order.</summary>
    private bool AdmitWaitingUnderGate()
    {
        var flush = false;
        while (_waitingFirst != null && _closeReason == null && HasRoomUnderGate(_waitingFirst))
        {
            var call = _waitingFirst;
            RemoveWaitingUnderGate(call);
            var refused = SendRequestUnderGate(call, out var needed);
            if (refused != null)
            {
                call.Fail(refused);
            }

            flush |= needed;
        }

        return flush;
    }

    private void Send(FrameKind kind, ulong callId, uint argument = 0)
    {
        bool flush;
        lock (_gate)
        {
            flush = AppendUnderGate(kind, callId, argument, null);
        }

        StartFlush(flush);
    }

    private struct Slot
    {
        public ClientCall? Call;
        public ulong CallId;
        public long RequestBytes;
        public int NextFree;

        // Given up by its caller, at this time; by now it may be in its next life, under another id.
        public ClientCall? Abandoned;
        public long AbandonedAt;
    }
}

/// <summary>A stream's end that takes replies whose type is known to it.</summary>
internal interface IStreamSink
{
    /// <summary>False when the sender exceeds its window.</summary>
    bool Add(IMessage reply, int bytes, long windowBytes);
}
