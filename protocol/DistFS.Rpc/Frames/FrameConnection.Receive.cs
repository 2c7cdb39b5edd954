using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <content>
/// Receiving. Headers and bodies come into one buffer, as many frames in one receive as there are; of a large payload
/// only what came along with its header is copied, the rest is received where it stays.
/// </content>
internal sealed partial class FrameConnection
{
    private const int ReceiveBufferBytes = 16 << 10;

    // A payload up to this is received with its header, and with the frames behind it, and then copied: a receive of
    // its own would cost more. The buffer is then as large as some of them.
    private const int SmallPayloadBytesMax = 16 << 10;
    private const int SmallPayloadsBytes = 64 << 10;

    // A stranger's first frame. Ours has a body of 5 KiB at most; the rest is for later versions.
    private const int HelloBytesMax = 64 << 10;

    private readonly Action _onReceived;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(ReceiveBufferBytes);
    private int _start;
    private int _end;
    private ValueTaskAwaiter<int> _receiveAwaiter;
    private bool _helloReceived;

    // Bytes of the last receive: a buffer that is larger than what comes is given back.
    private int _received;

    // The frame whose payload is being received: what it is for, or null to skip it.
    private FrameHeader _payloadHeader;
    private PooledBuffer? _payload;
    private object? _payloadFor;
    private int _payloadMissing;
    private bool _inPayload;

    // For the timer: when something came last, and when the frame that is incomplete must be complete (0: none is).
    private long _lastReceived = FrameTicker.Patience.Now;
    private long _frameDueBy;

    // The frame that is incomplete: when it began, and how many bytes of it are known to come.
    private long _frameBegan;
    private int _frameBytes;

    private void ReceiveLoop()
    {
        (FrameWork? Handlers, WorkList Completed) ready;
        try
        {
            while (true)
            {
                if (!ProcessBuffer())
                {
                    EndReceiving();
                    return;
                }

                var received = _transport.ReceiveAsync(ReceiveTarget());
                if (received.IsCompleted)
                {
                    RunReady(TakeReady(), here: false);
                    if (!Received(received.GetAwaiter().GetResult()))
                    {
                        return;
                    }

                    continue;
                }

                // Taken first: once the continuation is registered, another thread may be in this loop already. That
                // is also why a caller's or handler's code may run, and even block, on this thread afterwards.
                ready = TakeReady();
                _receiveAwaiter = received.GetAwaiter();
                _receiveAwaiter.UnsafeOnCompleted(_onReceived);
                break;
            }
        }
        catch (Exception e) when (IsTransportFault(e))
        {
            ReceiveFailed(e);
            return;
        }

        // Outside the try: what foreign code throws is no fault of the transport, whose loop may be another thread's by
        // now.
        RunReady(ready, here: true);
    }

    private void OnReceived()
    {
        try
        {
            if (!Received(_receiveAwaiter.GetResult()))
            {
                return;
            }
        }
        catch (Exception e) when (IsTransportFault(e))
        {
            ReceiveFailed(e);
            return;
        }

        ReceiveLoop();
    }

    private void ReceiveFailed(Exception cause)
    {
        Close(_peerReason ?? new RpcException(
            ErrorCatalog.ConnectionLost, $"{Peer}: receiving failed: {cause.Message}", cause));
        EndReceiving();
    }

    /// <summary>Notes what came; false at the end of the connection.</summary>
    private bool Received(int count)
    {
        if (count == 0)
        {
            PeerClosed();
            EndReceiving();
            return false;
        }

        Volatile.Write(ref _lastReceived, FrameTicker.Patience.Now);
        _received = count;
        if (_payloadMissing == 0)
        {
            _end += count;
        }
        else
        {
            _payloadMissing -= count;
            _lender?.Sink!.Advance(count);
        }

        return true;
    }

    private void PeerClosed()
    {
        bool idle;
        lock (_gate)
        {
            idle = _callsUnderWay == 0 && _serving.Count == 0 && _waitingFirst == null;
        }

        // Between two frames and with nothing under way it is a client that has done its work.
        var orderly = _peerReason != null || _weGoAway
            || (_helloReceived && idle && _start == _end && !_inPayload);
        Close(
            _peerReason ?? new RpcException(
                _helloReceived ? ErrorCatalog.ConnectionLost : ErrorCatalog.NotDistFs,
                _helloReceived
                    ? $"{Peer}: the peer closed the connection."
                    : $"{Peer}: the peer closed the connection before its Hello."),
            fault: !orderly);
    }

    private Memory<byte> ReceiveTarget()
    {
        if (_payloadMissing > 0)
        {
            if (SinkTarget() is { IsEmpty: false } lent)
            {
                return lent;
            }

            if (_payload == null)
            {
                // Of a payload that nobody waits for: read over what is in the buffer, which is empty now.
                _start = _end = 0;
                return _buffer.AsMemory(0, Math.Min(_payloadMissing, _buffer.Length));
            }

            return _payload.Memory(_payload.Lease).Slice(_payload.Length - _payloadMissing, _payloadMissing);
        }

        if (_start == _end)
        {
            _start = _end = 0;
            if (_buffer.Length > SmallPayloadsBytes
                || (_buffer.Length > ReceiveBufferBytes && _received < ReceiveBufferBytes / 2))
            {
                ReplaceBuffer(ReceiveBufferBytes);
            }
        }
        else if (_buffer.Length - _end < FrameHeader.Size)
        {
            ReplaceBuffer(_buffer.Length);
        }

        return _buffer.AsMemory(_end);
    }

    /// <summary>Handles every complete frame in the buffer; false when the connection has ended.</summary>
    private bool ProcessBuffer()
    {
        lock (_gate)
        {
            _corked = true;
        }

        bool goesOn;
        do
        {
            goesOn = FinishPayload() && ProcessFrame();
        }
        while (goesOn);
        bool flush;
        lock (_gate)
        {
            _corked = false;
            flush = !_flushing && !_filling.IsEmpty && _closeReason == null;
            _flushing |= flush;
        }

        StartFlush(flush, inline: true);
        return Volatile.Read(ref _closeReason) == null && Volatile.Read(ref _closingReason) == null;
    }

    /// <summary>False while a payload is incomplete.</summary>
    private bool FinishPayload()
    {
        if (_payloadMissing > 0)
        {
            return false;
        }

        if (!_inPayload)
        {
            return true;
        }

        _inPayload = false;
        Volatile.Write(ref _frameDueBy, 0);
        var (payload, target) = (_payload, _payloadFor);
        _payload = null;
        _payloadFor = null;
        if (_lender != null)
        {
            return SinkComplete(_payloadHeader, (IMessage)target!);
        }

        return payload == null || PayloadComplete(_payloadHeader, target!, new Payload(payload));
    }

    /// <summary>Handles the next frame, if complete up to its payload; false when it is not, or is refused.</summary>
    private bool ProcessFrame()
    {
        var data = _buffer.AsSpan(_start, _end - _start);
        if (!_helloReceived && data.Length >= sizeof(uint)
            && BinaryPrimitives.ReadUInt32LittleEndian(data) > HelloBytesMax)
        {
            // Another protocol's first words, which may be all that it says before it waits for us.
            return Refuse(ErrorCatalog.ProtocolViolation, "no Hello", data);
        }

        if (data.Length < FrameHeader.Size)
        {
            NoteIncomplete(data.Length > 0, FrameHeader.Size);
            return false;
        }

        var fault = FrameHeader.TryRead(data, _options.Limits, out var header);
        if (fault != null)
        {
            return Refuse(ErrorCatalog.ProtocolViolation, fault, data);
        }

        if (!_helloReceived && header.Kind != FrameKind.Hello)
        {
            return Refuse(ErrorCatalog.ProtocolViolation, $"a {header.Kind} frame before Hello", data);
        }

        var inBuffer = FrameHeader.Size + header.BodyLength;
        if (data.Length < inBuffer)
        {
            NoteIncomplete(true, inBuffer);
            if (_buffer.Length - _start < inBuffer)
            {
                ReplaceBuffer(inBuffer);
            }

            return false;
        }

        if (!FrameHeader.IsIntact(data[..inBuffer]))
        {
            return Refuse(ErrorCatalog.FrameCorrupt, "a frame's checksum does not match", data);
        }

        var withPayload = inBuffer + header.PayloadLength;
        if (header.PayloadLength <= SmallPayloadBytesMax && data.Length < withPayload)
        {
            NoteIncomplete(true, withPayload);
            if (_buffer.Length - _start < withPayload)
            {
                ReplaceBuffer(Math.Max(SmallPayloadsBytes, withPayload));
            }

            return false;
        }

        _start += inBuffer;
        Volatile.Write(ref _frameDueBy, 0);
        return HandleFrame(header, data[FrameHeader.Size..inBuffer]);
    }

    /// <summary>From here on the payload of <paramref name="header"/> is received into memory of its own.</summary>
    /// <param name="header">Has a payload.</param>
    /// <param name="target">Given back to <see cref="PayloadComplete"/>; null skips the payload.</param>
    private void BeginPayload(in FrameHeader header, object? target)
    {
        var present = Math.Min(header.PayloadLength, _end - _start);
        if (_lender is { } lender)
        {
            BeginSink(lender.Sink!, header.PayloadLength, _buffer.AsSpan(_start, present));
        }
        else if (target != null)
        {
            _payload = PooledBuffer.Rent(header.PayloadLength);
            _buffer.AsSpan(_start, present).CopyTo(_payload.Memory(_payload.Lease).Span);
        }

        _start += present;
        _payloadHeader = header;
        _payloadFor = target;
        _inPayload = true;
        _payloadMissing = header.PayloadLength - present;
        if (_payloadMissing > 0)
        {
            NoteIncomplete(true, header.PayloadLength);
        }
    }

    private void NoteIncomplete(bool incomplete, int bytes)
    {
        if (!incomplete)
        {
            Volatile.Write(ref _frameDueBy, 0);
        }
        else if (_frameDueBy == 0 || bytes > _frameBytes)
        {
            // Known only when the header has come: the time counts from the frame's first byte all the same.
            _frameBegan = _frameDueBy == 0 ? FrameTicker.Patience.Now : _frameBegan;
            _frameBytes = bytes;
            var allowance = _options.StallTimeout
                + TimeSpan.FromSeconds(bytes / (double)_options.FrameBytesPerSecondMin);
            Volatile.Write(ref _frameDueBy, _frameBegan + (long)allowance.TotalMilliseconds);
        }
    }

    private void ReplaceBuffer(int bytes)
    {
        var rest = _buffer.AsSpan(_start, _end - _start);
        var replacement = ArrayPool<byte>.Shared.Rent(Math.Max(bytes, ReceiveBufferBytes));
        rest.CopyTo(replacement);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = replacement;
        _end -= _start;
        _start = 0;
    }

    /// <summary>The receive loop is over: its memory goes back.</summary>
    private void EndReceiving()
    {
        RunReady(TakeReady(), here: false);
        ReturnSink();
        _payload?.Return(_payload.Lease);
        _payload = null;
        _payloadFor = null;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
