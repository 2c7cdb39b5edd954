using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>What every process answers: who it is, whether it serves, and pings.</summary>
/// <param name="version">Of the product.</param>
/// <param name="commit">It was built from; may be empty.</param>
/// <param name="role">What it is.</param>
public sealed class NodeService(string version, string commit, Role role)
{
    private readonly long _startedAt = Environment.TickCount64;
    private readonly Lock _gate = new();
    private NodeState _state = NodeState.Starting;
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

        set
        {
            lock (_gate)
            {
                _state = value;
                _changed.TrySetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
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

    /// <summary>Offers the service.</summary>
    public void AddTo(RpcDispatcher dispatcher)
    {
        ArgumentNullException.ThrowIfNull(dispatcher);
        dispatcher
            .Handle(NodeMethods.Describe, Describe, HandlerScheduling.Inline)
            .Handle(NodeMethods.Ping, Ping, HandlerScheduling.Inline)
            .Handle(NodeMethods.Watch, WatchAsync);
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
    });

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
            await replies.WriteAsync(new NodeEvent { Sequence = sequence, State = state, UptimeMs = UptimeMs })
                .ConfigureAwait(false);
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
