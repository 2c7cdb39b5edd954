using System.Buffers;
using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <content>
/// The peer's calls to us. Receiving never stops for them, since replies to our own calls come the same way; what
/// bounds them are the limits of our Hello, which the peer must keep, and a backlog while it does not read its replies.
/// </content>
internal sealed partial class FrameConnection
{
    private readonly Dictionary<ulong, FrameServerCall> _serving = [];
    private readonly Queue<FrameServerCall> _backlog = [];
    private readonly List<IBlockedStream> _blockedStreams = [];
    private readonly TaskCompletionSource _handlersEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _servingBytes;

    /// <summary>Ends when the connection has, and the last handler that it called.</summary>
    public Task HandlersEnded => _handlersEnded.Task;

    private void EndHandlersUnderGate()
    {
        if (_closeReason != null && _serving.Count == 0)
        {
            _handlersEnded.TrySetResult();
        }
    }

    private bool HandleRequest(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        if (!_handlers.TryGet(header.Method, out var handler))
        {
            return RefuseUnknown(header);
        }

        var call = handler.Rent();
        call.Begin(this, header);
        bool accepted;
        lock (_gate)
        {
            // Close has cancelled what was served until then; nobody would cancel this call.
            if (_closeReason != null)
            {
                return false;
            }

            accepted = HasRoomForCallUnderGate()
                && _servingBytes + header.FrameLength <= _options.RequestWindowBytes
                && _serving.TryAdd(header.CallId, call);
            if (accepted)
            {
                _servingBytes += header.FrameLength;
            }
        }

        if (!accepted)
        {
            return Refuse(
                ErrorCatalog.ProtocolViolation, "a request over the limits of our Hello, or an id used twice", body);
        }

        var fault = call.Parse(body);
        if (_weGoAway)
        {
            fault ??= new RpcException(ErrorCatalog.ShuttingDown, "This process is shutting down.");
        }

        if (fault != null)
        {
            call.Refuse(fault);
            if (header.PayloadLength > 0)
            {
                BeginPayload(header, target: null);
            }
        }
        else if (header.PayloadLength > 0)
        {
            BeginPayload(header, call);
        }
        else
        {
            Dispatch(call);
        }

        return true;
    }

    /// <summary>
    /// Whether the peer may have one more call under way. Answers that have not begun to leave count, since the peer
    /// cannot know of them: else a peer that never reads could have any number of them queued.
    /// </summary>
    private bool HasRoomForCallUnderGate() => _serving.Count + _filling.Answers < _options.CallsMax;

    private bool RefuseUnknown(in FrameHeader header)
    {
        var error = new RpcException(
            ErrorCatalog.UnknownMethod, $"This process offers no method 0x{header.Method:x4}.");
        bool accepted;
        var flush = false;
        lock (_gate)
        {
            accepted = HasRoomForCallUnderGate();
            if (accepted)
            {
                flush = AppendUnderGate(FrameKind.Error, header.CallId, 0, RpcException.ToInfo(error));
            }
        }

        if (!accepted)
        {
            return Refuse(ErrorCatalog.ProtocolViolation, "more calls than our Hello allows", []);
        }

        StartFlush(flush);
        if (header.PayloadLength > 0)
        {
            BeginPayload(header, target: null);
        }

        return true;
    }

    private void Dispatch(FrameServerCall call)
    {
        // Read without the gate first: the common case is an empty queue.
        if (Volatile.Read(ref _filling).Bytes + Volatile.Read(ref _sending).Bytes > _options.SendQueueBytesMax)
        {
            lock (_gate)
            {
                if (QueuedBytes > _options.SendQueueBytesMax && _closeReason == null)
                {
                    _backlog.Enqueue(call);
                    return;
                }
            }
        }

        if (call.Scheduling == HandlerScheduling.Inline)
        {
            call.Execute();
        }
        else if (!call.TryExecuteQuickly())
        {
            AddReady(call);
        }
    }

    /// <summary>The handler has ended: its last frame, and the end of what the call occupies.</summary>
    /// <returns>Whether <paramref name="owner"/> will be told when the payload was sent.</returns>
    public bool EndServed(
        FrameServerCall call,
        FrameKind kind,
        IMessage? body,
        in ReadOnlySequence<byte> payload,
        IPayloadOwner? owner)
    {
        var length = body?.CalculateSize() ?? 0;
        if (length > _peerBodyBytesMax || payload.Length > _peerPayloadBytesMax)
        {
            var error = new RpcException(
                ErrorCatalog.MessageTooLarge,
                $"{call.Method}: a reply of {length} bytes with a payload of {payload.Length}; the caller takes "
                    + $"{_peerBodyBytesMax} and {_peerPayloadBytesMax}.",
                outcomeUnknown: true);
            return EndServed(call, FrameKind.Error, RpcException.ToInfo(error), default, owner);
        }

        bool flush, taken;
        Exception? unsent = null;
        lock (_gate)
        {
            // False for a call that was refused before it was taken in.
            if (!_serving.Remove(call.CallId))
            {
                return false;
            }

            EndHandlersUnderGate();

            _servingBytes -= call.RequestBytes;
            var header = new FrameHeader(kind, length, (int)payload.Length, 0, 0, call.CallId, call.TraceId);
            try
            {
                flush = AppendUnderGate(header, body, payload, owner, out taken);
            }
            catch (Exception e)
            {
                // A message that the handler still changes, or a payload that it has disposed: every call has an end.
                unsent = e;
                taken = false;
                flush = AppendUnderGate(FrameKind.Error, call.CallId, 0, RpcException.ToInfo(e));
            }

            TryFinishUnderGate();
        }

        // Before the answer leaves: whoever is told to look into the log finds it there.
        if (unsent != null)
        {
            _handlers.Report(call, unsent);
        }

        StartFlush(flush);
        return taken;
    }

    /// <summary>Sends one reply of a stream if the reader's window and our queue have room.</summary>
    public bool TrySendItem(FrameServerCall call, IMessage reply, IBlockedStream stream, ref long credit)
    {
        var length = reply.CalculateSize();
        if (length > _peerBodyBytesMax)
        {
            throw new RpcException(
                ErrorCatalog.MessageTooLarge,
                $"{call.Method}: a reply of {length} bytes; the caller takes {_peerBodyBytesMax}.");
        }

        bool flush;
        lock (_gate)
        {
            if (_closeReason != null)
            {
                throw new OperationCanceledException("The connection has ended.");
            }

            if (!_serving.ContainsKey(call.CallId))
            {
                throw new OperationCanceledException("The stream has ended.");
            }

            if (credit <= 0)
            {
                return false;
            }

            if (QueuedBytes > _options.SendQueueBytesMax)
            {
                if (!_blockedStreams.Contains(stream))
                {
                    _blockedStreams.Add(stream);
                }

                return false;
            }

            // The header counts: items without content fill the reader's queue too.
            credit -= FrameHeader.Size + length;
            var header = new FrameHeader(FrameKind.StreamItem, length, 0, 0, 0, call.CallId, call.TraceId);
            flush = AppendUnderGate(header, reply, default, null, out _);
        }

        StartFlush(flush);
        return true;
    }

    public long StreamCredit => _peerStreamWindowBytes;

    private void HandleCredit(ulong callId, uint bytes)
    {
        lock (_gate)
        {
            // The stream may have ended meanwhile.
            if (_serving.TryGetValue(callId, out var call) && call is IBlockedStream stream)
            {
                stream.Grant(bytes);
            }
        }
    }

    private void HandleCancel(ulong callId)
    {
        FrameServerCall? call;
        lock (_gate)
        {
            // Marked under the gate: an ended call is no longer found, and a marked one is not reused.
            if (!_serving.TryGetValue(callId, out call) || call.IsMarked)
            {
                return;
            }

            call.MarkCancelled();
        }

        ThreadPool.UnsafeQueueUserWorkItem(static c => c.Cancel(), call, preferLocal: false);
    }
}

/// <summary>A stream's sender that waits. Called under the connection's gate.</summary>
internal interface IBlockedStream
{
    /// <summary>The reader has taken so many bytes.</summary>
    void Grant(long bytes);

    /// <summary>Try again.</summary>
    void Wake();
}
