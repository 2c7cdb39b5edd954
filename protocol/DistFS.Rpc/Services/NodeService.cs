using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>What every process answers: who it is, whether it serves, and pings.</summary>
/// <param name="version">Of the product.</param>
/// <param name="commit">It was built from; may be empty.</param>
/// <param name="role">What it is.</param>
public sealed class NodeService(string version, string commit, Role role) : IDisposable
{
    private readonly MetricsCollector _metrics = new();
    private readonly long _startedAt = Environment.TickCount64;
    private readonly Lock _gate = new();
    private NodeState _state = NodeState.Starting;
    private string _progress = "";
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Told to everybody who watches.</summary>
    public NodeState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }

        set => Tell(value, "");
    }

    /// <summary>What it waits for or does while it does not serve; empty else.</summary>
    public string Progress
    {
        get
        {
            lock (_gate)
            {
                return _progress;
            }
        }
    }

    /// <summary>Ends at the next change of <see cref="State"/>.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    private ulong UptimeMs => (ulong)(Environment.TickCount64 - _startedAt);

    /// <summary>
    /// A state, with what it waits for. Who watches is told at once if the state is another one. What stops never
    /// serves again.
    /// </summary>
    public void Tell(NodeState state, string progress)
    {
        lock (_gate)
        {
            if (_state == NodeState.Stopping)
            {
                return;
            }

            _progress = progress;
            if (_state != state)
            {
                _state = state;
                _changed.TrySetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    /// <summary>Nothing is measured for it any more.</summary>
    public void Dispose() => _metrics.Dispose();

    /// <summary>Offers the service.</summary>
    public void AddTo(RpcDispatcher dispatcher)
    {
        ArgumentNullException.ThrowIfNull(dispatcher);
        dispatcher
            .Handle(NodeMethods.Describe, Describe, HandlerScheduling.Inline)
            .Handle(NodeMethods.Ping, Ping, HandlerScheduling.Inline)
            .Handle(NodeMethods.Watch, WatchAsync)
            .Handle(NodeMethods.Metrics, Metrics);
    }

    private ValueTask<DescribeReply> Describe(DescribeRequest request, ServerCall call) => new(new DescribeReply
    {
        Version = version,
        Commit = commit,
        Role = role,
        State = State,
        UptimeMs = UptimeMs,
        Host = Environment.MachineName,
        ProcessId = (uint)Environment.ProcessId,
        Progress = Progress,
    });

    private ValueTask<MetricsReply> Metrics(MetricsRequest request, ServerCall call) =>
        new(new MetricsReply { Values = { _metrics.Collect() } });

    private static ValueTask<PingReply> Ping(PingRequest request, ServerCall call)
    {
        // The request's memory goes back when the handler ends, but the reply is sent after that.
        call.EchoPayload();
        return new(new PingReply { Nonce = request.Nonce });
    }

    private async ValueTask WatchAsync(WatchRequest request, IReplyWriter<NodeEvent> replies, ServerCall call)
    {
        if (request.IntervalMs is < 10 or > 60_000)
        {
            throw new RpcException(ErrorCatalog.BadRequest, "WatchRequest.interval_ms must be 10 to 60,000.");
        }

        var interval = TimeSpan.FromMilliseconds(request.IntervalMs);
        for (ulong sequence = 1; ; sequence++)
        {
            var changed = Changed;
            var state = State;
            await replies.WriteAsync(new NodeEvent
            {
                Sequence = sequence,
                State = state,
                UptimeMs = UptimeMs,
                Progress = Progress,
            }).ConfigureAwait(false);
            if (sequence == request.EventsMax || state == NodeState.Stopping)
            {
                // Who watches must not hold up the stop.
                return;
            }

            try
            {
                await changed.WaitAsync(interval, call.CancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Nothing changed in this interval: that is news as well.
            }
        }
    }
}
