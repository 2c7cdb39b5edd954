using System.Buffers;
using System.Runtime.CompilerServices;
using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <content>
/// Sending. Frames are serialised under the gate into the batch that is being filled; one flush loop sends the other
/// batch, then swaps. So frames that are added while a send is under way leave together with the next.
/// </content>
internal sealed partial class FrameConnection
{
    // From here on a batch is large enough that waiting for more frames gains nothing.
    private const int FlushAtOnceBytes = 32 << 10;

    // Where the transport cannot say what the peer took of a send, the stall time-out is for the whole of it. So a send
    // is no more than a slow but living peer takes in that time.
    private const int SendBytesMax = 512 << 10;

    private readonly Action _onSent;
    private readonly FlushWork _flushWork;
    private OutgoingBatch _filling = new();
    private OutgoingBatch _sending = new();
    private ValueTaskAwaiter<int> _sendAwaiter;

    // Under the gate: true while a flush loop runs or is about to.
    private bool _flushing;

    // Under the gate: the receive loop works through what it has received, and flushes when it is through.
    private bool _corked;

    // When the send that is under way began; -1 when none is. Written by the flush loop, read by the timer.
    private long _sendStarted = -1;

    // For the timer: when a send ended last.
    private long _lastSent = FrameTicker.Patience.Now;

    /// <summary>Bytes of frames that were added and have not left.</summary>
    internal long QueuedBytes => _filling.Bytes + _sending.Bytes;

    /// <summary>Adds a frame without payload, under the gate.</summary>
    /// <returns>Whether the caller must call <see cref="StartFlush"/> once it has left the gate.</returns>
    private bool AppendUnderGate(FrameKind kind, ulong callId, uint argument, IMessage? body)
    {
        var header = new FrameHeader(kind, body?.CalculateSize() ?? 0, 0, 0, argument, callId, default);
        return AppendUnderGate(header, body, default, null, out _);
    }

    private bool AppendUnderGate(
        in FrameHeader header,
        IMessage? body,
        in ReadOnlySequence<byte> payload,
        IPayloadOwner? owner,
        out bool ownerTaken)
    {
        ownerTaken = false;
        if (_closeReason != null)
        {
            return false;
        }

        ownerTaken = _filling.Add(header, body, payload, owner);
        if (_flushing || (_corked && _filling.Bytes < FlushAtOnceBytes))
        {
            return false;
        }

        _flushing = true;
        return true;
    }

    /// <summary>
    /// Starts the flush loop that <see cref="AppendUnderGate(FrameKind, ulong, uint, IMessage?)"/> asked for: on this
    /// thread when nothing else is under way, so that a lone call has the shortest path; else behind what is already
    /// queued to the thread pool, so that the frames which that work will add leave in the same send; and on a thread
    /// that is running callers, after them.
    /// </summary>
    private void StartFlush(bool needed, bool inline = false)
    {
        if (!needed)
        {
            return;
        }

        if (_running == this && !inline)
        {
            // Set before the thread can be through with its callers: it looks afterwards.
            Volatile.Write(ref _flushOwed, 1);
            if (Volatile.Read(ref _closeReason) != null)
            {
                // Close may have looked before, and nobody will look again while this thread's caller blocks.
                FlushOwed();
            }
        }
        else if (inline || _callsUnderWay + _serving.Count <= 1 || _filling.Bytes >= FlushAtOnceBytes)
        {
            Flush();
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(_flushWork, preferLocal: false);
        }
    }

    /// <summary>Sends until nothing is left. Runs on one thread at a time: the one that set _flushing.</summary>
    private void Flush()
    {
        try
        {
            while (true)
            {
                var bytes = _sending.Next();
                if (bytes.IsEmpty)
                {
                    if (!NextBatch())
                    {
                        return;
                    }

                    continue;
                }

                Volatile.Write(ref _sendStarted, FrameTicker.Patience.Now);
                var sent = _transport.SendAsync(bytes.Length <= SendBytesMax ? bytes : bytes[..SendBytesMax]);
                if (!sent.IsCompleted)
                {
                    _sendAwaiter = sent.GetAwaiter();
                    _sendAwaiter.UnsafeOnCompleted(_onSent);
                    return;
                }

                _sending.Advance(sent.GetAwaiter().GetResult());
            }
        }
        catch (Exception e) when (IsTransportFault(e))
        {
            SendFailed(e);
        }
    }

    private void OnSent()
    {
        try
        {
            _sending.Advance(_sendAwaiter.GetResult());
        }
        catch (Exception e) when (IsTransportFault(e))
        {
            SendFailed(e);
            return;
        }

        Flush();
    }

    /// <summary>Everything of a batch was sent: take the next, or end the loop.</summary>
    private bool NextBatch()
    {
        Volatile.Write(ref _sendStarted, -1);
        Volatile.Write(ref _lastSent, FrameTicker.Patience.Now);

        // Outside the gate: owners are told here. Only the flush loop touches the batch that is being sent.
        _sending.Clear();
        RpcException? closing = null;
        lock (_gate)
        {
            AfterDrainUnderGate();
            if (_closeReason == null && !_filling.IsEmpty)
            {
                (_sending, _filling) = (_filling, _sending);
                return true;
            }

            if (_closeReason == null)
            {
                _flushing = false;
                TryFinishUnderGate();
                closing = _closingReason;
                if (closing == null)
                {
                    return false;
                }
            }
        }

        if (closing != null)
        {
            Close(closing);
        }
        else
        {
            ReleaseBatches();
        }

        return false;
    }

    /// <summary>Less waits to be sent: what was held back for that goes on. Runs on the flush loop.</summary>
    private void AfterDrainUnderGate()
    {
        // Frames that this adds are seen by the flush loop itself.
        _ = AdmitWaitingUnderGate();
        if (QueuedBytes > _options.SendQueueBytesMax)
        {
            return;
        }

        while (_backlog.TryDequeue(out var call))
        {
            call.Queue();
        }

        foreach (var stream in _blockedStreams)
        {
            stream.Wake();
        }

        _blockedStreams.Clear();
    }

    private void SendFailed(Exception cause)
    {
        Volatile.Write(ref _sendStarted, -1);
        Close(_closingReason ?? new RpcException(
            ErrorCatalog.ConnectionLost, $"{Peer}: sending failed: {cause.Message}", cause));
        ReleaseBatches();
    }

    /// <summary>After the end: nothing is sent any more, so whoever lent a payload gets it back.</summary>
    private void ReleaseBatches()
    {
        _sending.Clear();
        _sending.Free();
        OutgoingBatch filling;
        lock (_gate)
        {
            Check.That(_closeReason != null);
            filling = _filling;
        }

        filling.Clear();
        filling.Free();
    }

    private static bool IsTransportFault(Exception e) =>
        e is System.Net.Sockets.SocketException or IOException or ObjectDisposedException or OperationCanceledException
            or System.Security.Authentication.AuthenticationException;

    private sealed class FlushWork(FrameConnection connection) : IThreadPoolWorkItem
    {
        public void Execute() => connection.Flush();
    }
}
