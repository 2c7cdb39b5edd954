using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Rpc.Frames;

/// <summary>
/// One connection: calls in both directions over one <see cref="FrameTransport"/> (docs/design/rpc.md). This file:
/// its life. Receive: bytes to frames. Send: frames to bytes. Calls: ours to the peer. Serve: the peer's to us.
/// Timers: everything that is bounded in time.
/// </summary>
/// <remarks>
/// Threads: the receive loop runs on one thread at a time, and so does the flush loop; everything both sides share is
/// guarded by <see cref="_gate"/>, which is never held over input, output or foreign code. Every request is answered by
/// exactly one Reply or Error, so what a call occupies (its slot, its share of the window) is freed at one place.
/// </remarks>
internal sealed partial class FrameConnection : IRpcCaller
{
    private static readonly TimeSpan PeerLeavesWithin = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly FrameTransport _transport;
    private readonly FrameOptions _options;
    private readonly FrameHandlers _handlers;
    private readonly TaskCompletionSource _handshake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<RpcException?> _closed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);


    // Set once, under the gate; from then on nothing is sent and no call begins.
    private RpcException? _closeReason;

    // Set by a violation: the peer is told with a last GoAway, then the connection closes for this reason.
    private RpcException? _closingReason;

    // What the peer gave as its reason before it went away.
    private RpcException? _peerReason;

    private bool _peerGoesAway;
    private bool _weGoAway;

    private FrameConnection(FrameTransport transport, FrameOptions options, FrameHandlers handlers)
    {
        _transport = transport;
        _options = options;
        _handlers = handlers;
        _onReceived = OnReceived;
        _onSent = OnSent;
        _flushWork = new FlushWork(this);
        _helper = new HelperWork(this);
        Peer = new RpcPeer(transport.Name, transport.RemoteAddress, "", default, this);
    }

    /// <summary>Who is at the other end; its agent and credential are known after the handshake.</summary>
    public RpcPeer Peer { get; private set; }

    /// <summary>What the connection is for, as the client said.</summary>
    public Lane Lane { get; private set; }

    /// <summary>Ends when the connection has; null for a normal end.</summary>
    public Task<RpcException?> Closed => _closed.Task;

    /// <summary>Whether a new call may begin.</summary>
    public bool IsUsable
    {
        get
        {
            lock (_gate)
            {
                return _closeReason == null && _closingReason == null && !_peerGoesAway && !_weGoAway;
            }
        }
    }

    /// <summary>Starts a connection on a transport that it owns from here on.</summary>
    public static FrameConnection Start(FrameTransport transport, FrameOptions options, FrameHandlers handlers)
    {
        var connection = new FrameConnection(transport, options, handlers);
        RpcMetrics.ConnectionOpened();
        FrameTicker.Register(connection);
        connection.SendHello();

        // The first receive would otherwise keep the caller's execution context for the life of the connection.
        using (ExecutionContext.SuppressFlow())
        {
            ThreadPool.UnsafeQueueUserWorkItem(static c => c.ReceiveLoop(), connection, preferLocal: false);
        }

        return connection;
    }

    /// <summary>Waits until the peer's Hello has come.</summary>
    /// <exception cref="RpcException">It did not come, or is unfit; the connection is closed.</exception>
    public async Task HandshakeAsync(CancellationToken cancellation)
    {
        try
        {
            await _handshake.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Close(new RpcException(ErrorCatalog.Cancelled, "The connection was cancelled in its handshake."));
            throw;
        }
    }

    /// <summary>
    /// Tells the peer to begin nothing new, waits until the calls under way in both directions have ended, closes.
    /// </summary>
    /// <remarks>
    /// The peer leaves first, as it knows when it has all answers: closing under requests that are still on their way
    /// would reset the connection, and answers that the peer has not read yet would be lost with it.
    /// </remarks>
    public async Task CloseAsync(CancellationToken cancellation)
    {
        var reason = new RpcException(ErrorCatalog.ShuttingDown, "The peer is shutting down.");
        bool flush;
        lock (_gate)
        {
            if (_closeReason != null)
            {
                return;
            }

            _weGoAway = true;
            flush = AppendUnderGate(FrameKind.GoAway, 0, 0, new GoAway { Reason = RpcException.ToInfo(reason) });
            TryFinishUnderGate();
        }

        StartFlush(flush);
        try
        {
            await _idle.Task.WaitAsync(cancellation).ConfigureAwait(false);
            await Task.WhenAny(_closed.Task, Task.Delay(PeerLeavesWithin, cancellation)).ConfigureAwait(false);
        }
        finally
        {
            Close(new RpcException(ErrorCatalog.ShuttingDown, "The connection was closed on this side."), fault: false);
        }
    }

    /// <summary>After the peer's GoAway: closes once nothing is under way.</summary>
    private async Task LeaveAsync()
    {
        await _idle.Task.ConfigureAwait(false);
        Close(_peerReason!, fault: false);
    }

    /// <summary>Ends the connection at once. Only the first reason counts.</summary>
    public void Close(RpcException reason, bool fault = true)
    {
        List<ClientCall> calls;
        FrameServerCall[] served, held;
        bool drain;
        lock (_gate)
        {
            if (_closeReason != null)
            {
                return;
            }

            _closeReason = reason;
            calls = TakeAllCallsUnderGate();
            served = [.. _serving.Values];
            held = [.. _backlog];
            _backlog.Clear();
            foreach (var call in served)
            {
                call.MarkCancelled();
            }

            // The flush loop empties the batches when its send has ended; if it does not run, that is done here.
            drain = !_flushing;
            _flushing = true;
            _idle.TrySetResult();
            EndHandlersUnderGate();
        }

        _transport.Abort();
        FrameTicker.Unregister(this);
        foreach (var call in calls)
        {
            call.Fail(Lost(reason, call.WasSent));
        }

        foreach (var call in served)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static c => c.Cancel(), call, preferLocal: false);
        }

        // Marked as cancelled, these end before their handlers, and give back what they hold.
        foreach (var call in held)
        {
            call.Queue();
        }

        if (drain)
        {
            ReleaseBatches();
        }

        // The timer no longer looks after callers that are behind one that blocks.
        ThreadPool.UnsafeQueueUserWorkItem(_helper, preferLocal: false);
        RpcMetrics.ConnectionClosed(fault ? reason.Code : null);
        _handshake.TrySetException(reason);
        _ = _handshake.Task.Exception;
        _closed.TrySetResult(fault ? reason : null);
    }

    /// <summary>The peer broke the rules: tell it, then close. Runs on the receive loop, which then ends.</summary>
    private void Violation(ErrorCode code, string message)
    {
        var reason = new RpcException(code, $"{Peer}: {message}");
        bool flush;
        lock (_gate)
        {
            if (_closeReason != null || _closingReason != null)
            {
                return;
            }

            _closingReason = reason;
            flush = AppendUnderGate(FrameKind.GoAway, 0, 0, new GoAway { Reason = RpcException.ToInfo(reason) });
        }

        StartFlush(flush, inline: true);
    }

    /// <summary>What a call is told when its connection ended.</summary>
    private static RpcException Lost(RpcException reason, bool sent) =>
        !sent && reason.Code == ErrorCatalog.ShuttingDown
            ? reason
            : new RpcException(
                reason.Code == ErrorCatalog.ShuttingDown ? ErrorCatalog.ConnectionLost : reason.Code,
                reason.Message,
                reason,
                outcomeUnknown: sent);
}
