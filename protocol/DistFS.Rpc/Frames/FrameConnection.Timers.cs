using System.Collections.Concurrent;
using DistFS.Primitives;

namespace DistFS.Rpc.Frames;

/// <content>Everything that is bounded in time, looked at by <see cref="FrameTicker"/>.</content>
internal sealed partial class FrameConnection
{
    private readonly long _createdAt = FrameTicker.Patience.Now;
    private readonly List<ClientCall> _expired = [];
    private long _pingedAt;

    // The peer's progress with a send that lasts: when it was looked at, what it was, when it last was seen to change.
    private long _lookedAt;
    private long? _bytesTaken;
    private long _progressAt;

    /// <summary>Called every few milliseconds, on one thread at a time.</summary>
    /// <param name="now">By the wall, which deadlines go by.</param>
    /// <param name="patience">By the clock that our own pauses do not advance, which peers are judged by.</param>
    public void Tick(long now, long patience)
    {
        CheckPeer(patience);
        ExpireCalls(now, patience);
        RescueReady();
    }

    /// <summary>Its own look at the time failed, whatever that means: it ends.</summary>
    public void Break(Exception error)
    {
        try
        {
            Close(new RpcException(
                ErrorCatalog.ConnectionLost,
                $"{Peer}: the connection failed by itself: {error.GetType().Name}: {error.Message}",
                error));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Nothing is left to end it by but this.
            FrameTicker.Unregister(this);
            _closed.TrySetResult(new RpcException(ErrorCatalog.ConnectionLost, $"{Peer}: {e.Message}", e));
        }
    }

    private void CheckPeer(long now)
    {
        var sendStarted = Volatile.Read(ref _sendStarted);
        var frameDueBy = Volatile.Read(ref _frameDueBy);
        var silent = now - Volatile.Read(ref _lastReceived);
        if (!_handshake.Task.IsCompleted && now - _createdAt > _options.HandshakeTimeout.TotalMilliseconds)
        {
            Close(new RpcException(ErrorCatalog.PeerStalled, $"{Peer}: no Hello within {_options.HandshakeTimeout}."));
        }
        else if (sendStarted >= 0 && TakesNothing(now, sendStarted))
        {
            Close(_closingReason ?? new RpcException(
                ErrorCatalog.PeerStalled, $"{Peer}: the peer took no bytes for {_options.StallTimeout}."));
        }
        else if (frameDueBy != 0 && now > frameDueBy)
        {
            Close(_closingReason ?? new RpcException(
                ErrorCatalog.PeerStalled, $"{Peer}: the peer stopped in the middle of a frame."));
        }
        else if (silent > _options.KeepAliveTimeout.TotalMilliseconds)
        {
            Close(_closingReason ?? new RpcException(
                ErrorCatalog.PeerStalled, $"{Peer}: the peer was silent for {silent} ms."));
        }
        else if ((silent > _options.KeepAliveInterval.TotalMilliseconds || DumbFor(now) > _options.KeepAliveInterval)
            && now - _pingedAt > _options.KeepAliveInterval.TotalMilliseconds
            && _handshake.Task.IsCompletedSuccessfully)
        {
            _pingedAt = now;
            Send(FrameKind.Ping, 0);
        }
    }

    /// <summary>Whether the peer has taken no byte for the stall time-out, give or take a quarter.</summary>
    private bool TakesNothing(long now, long sendStarted)
    {
        var stall = _options.StallTimeout.TotalMilliseconds;
        if (now - Math.Max(sendStarted, _lookedAt) > stall / 4)
        {
            _lookedAt = now;
            var taken = _transport.BytesTaken();
            if (taken != _bytesTaken)
            {
                _bytesTaken = taken;
                _progressAt = now;
            }
        }

        return now - Math.Max(sendStarted, _progressAt) > stall;
    }

    /// <summary>
    /// For how long we have sent nothing. A peer that sends us a long payload hears nothing from us meanwhile, and its
    /// own pings wait behind that payload: so a side that only listens gives a sign of life by itself.
    /// </summary>
    private TimeSpan DumbFor(long now) => TimeSpan.FromMilliseconds(now - Volatile.Read(ref _lastSent));

    private void ExpireCalls(long now, long patience)
    {
        var flush = false;
        ClientCall? held = null;
        lock (_gate)
        {
            for (var call = _waitingFirst; call != null;)
            {
                var next = call.WaitingNext;
                if (now >= call.DeadlineTicks)
                {
                    RemoveWaitingUnderGate(call);
                    _expired.Add(call);
                }

                call = next;
            }

            flush |= AdmitWaitingUnderGate();
            for (var i = 0; _callsUnderWay > 0 && i < _slotsUsed; i++)
            {
                if (_slots[i].Call is { } call && now >= call.DeadlineTicks)
                {
                    AbandonUnderGate(call, out var needed);
                    flush |= needed;
                    _expired.Add(call);
                }
                else if (_slots[i].Abandoned is { HasLentPayload: true } abandoned
                    && abandoned.CallId == _slots[i].CallId
                    && patience - _slots[i].AbandonedAt > _options.StallTimeout.TotalMilliseconds)
                {
                    held = abandoned;
                }
            }

            foreach (var call in _serving.Values)
            {
                if (now >= call.DeadlineTicks && !call.IsMarked)
                {
                    call.MarkCancelled();
                    ThreadPool.UnsafeQueueUserWorkItem(static c => c.Cancel(), call, preferLocal: false);
                }
            }
        }

        StartFlush(flush);
        if (held != null)
        {
            // Its caller waits for nothing but the memory that we still send from.
            Close(new RpcException(
                ErrorCatalog.PeerStalled,
                $"{Peer}: a request was not taken within {_options.StallTimeout} of its end."));
        }

        foreach (var call in _expired)
        {
            call.Fail(new RpcException(
                ErrorCatalog.DeadlineExceeded,
                $"{call.Method}: no answer from {Peer} in time.",
                outcomeUnknown: call.WasSent));
        }

        _expired.Clear();
    }
}

/// <summary>
/// One timer for all connections of the process: a timer for each call would cost more than the call. So deadlines are
/// kept to within 20 ms.
/// </summary>
internal static class FrameTicker
{
    /// <summary>What peers are judged by; the ticker advances it.</summary>
    public static readonly PatientClock Patience = new();

    private const int PeriodMs = 20;

    private static readonly ConcurrentDictionary<FrameConnection, FrameConnection> Connections = new();
    private static readonly Timer Timer = new(static _ => Tick(), null, Timeout.Infinite, Timeout.Infinite);
    private static readonly Lock Gate = new();
    private static int _ticking;

    public static void Register(FrameConnection connection)
    {
        lock (Gate)
        {
            if (Connections.IsEmpty)
            {
                Timer.Change(PeriodMs, PeriodMs);
            }

            Connections[connection] = connection;
        }
    }

    public static void Unregister(FrameConnection connection)
    {
        lock (Gate)
        {
            Connections.TryRemove(connection, out _);
            if (Connections.IsEmpty)
            {
                Timer.Change(Timeout.Infinite, Timeout.Infinite);
            }
        }
    }

    private static void Tick()
    {
        // A round that takes longer than the period is not overtaken by the next.
        if (Interlocked.Exchange(ref _ticking, 1) != 0)
        {
            return;
        }

        var now = Environment.TickCount64;
        var patience = Patience.Advance(now);
        foreach (var (connection, _) in Connections)
        {
            Tick(connection, now, patience);
        }

        Volatile.Write(ref _ticking, 0);
    }

    /// <summary>
    /// What one connection throws must not take the time from all others: it alone ends, and whoever waits for it is
    /// told.
    /// </summary>
    private static void Tick(FrameConnection connection, long now, long patience)
    {
        try
        {
            connection.Tick(now, patience);
        }
        catch (Exception e)
        {
            connection.Break(e);
        }
    }
}
