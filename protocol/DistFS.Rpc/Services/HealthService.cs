using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Protocol.GrpcHealth;

namespace DistFS.Rpc.Services;

/// <summary>
/// The standard health check over a node's state, for the probes of orchestrators and load balancers.
/// </summary>
/// <param name="node">Whose state.</param>
/// <param name="services">The full names that may be asked for besides the empty one, which is the process.</param>
public sealed class HealthService(NodeService node, IReadOnlySet<string> services)
{
    /// <summary>Offers the service.</summary>
    public void AddTo(RpcDispatcher dispatcher)
    {
        ArgumentNullException.ThrowIfNull(dispatcher);
        dispatcher.Handle(HealthMethods.Check, Check).Handle(HealthMethods.Watch, WatchAsync);
    }

    private ValueTask<HealthCheckResponse> Check(HealthCheckRequest request, ServerCall call) => Knows(request)
        ? new(Now())
        : throw new RpcException(
            ErrorCatalog.BadRequest, $"Unknown service '{request.Service}'.", null, FsStatus.NotFound);

    private async ValueTask WatchAsync(
        HealthCheckRequest request, IReplyWriter<HealthCheckResponse> replies, ServerCall call)
    {
        if (!Knows(request))
        {
            // The standard wants the stream to stay open: the service might come. Ours never do.
            await replies.WriteAsync(
                new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.ServiceUnknown })
                .ConfigureAwait(false);
            await Task.Delay(Timeout.Infinite, call.CancellationToken).ConfigureAwait(false);
        }

        HealthCheckResponse? last = null;
        while (true)
        {
            var changed = node.Changed;
            var now = Now();
            if (!now.Equals(last))
            {
                await replies.WriteAsync(now).ConfigureAwait(false);
                last = now;
            }

            await changed.WaitAsync(call.CancellationToken).ConfigureAwait(false);
        }
    }

    private bool Knows(HealthCheckRequest request) => request.Service.Length == 0 || services.Contains(request.Service);

    private HealthCheckResponse Now() => new()
    {
        Status = node.State == NodeState.Serving
            ? HealthCheckResponse.Types.ServingStatus.Serving
            : HealthCheckResponse.Types.ServingStatus.NotServing,
    };
}
