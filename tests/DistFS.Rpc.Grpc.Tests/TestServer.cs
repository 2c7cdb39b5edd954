using System.Runtime.CompilerServices;
using System.Text;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Protocol.GrpcHealth;
using DistFS.Rpc.Services;

namespace DistFS.Rpc.Grpc.Tests;

/// <summary>
/// The product's own services over gRPC, with a health service that can also be slow ("slow") or broken ("fail"), and
/// a guard that refuses the credential "wrong".
/// </summary>
internal sealed class TestServer : IAsyncDisposable, IServerInterceptor
{
    private TestServer(NodeService node) => Node = node;

    public NodeService Node { get; }

    public GrpcServer Grpc { get; private set; } = null!;

    public RpcAddress Address => Grpc.Addresses[0];

    /// <summary>Ends when a handler of "slow" saw its cancellation.</summary>
    public TaskCompletionSource SlowCancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when a handler of "slow" runs.</summary>
    public TaskCompletionSource SlowStarted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public List<(string Method, FsStatus Status)> Completed { get; } = [];

    public static async Task<TestServer> StartAsync(Func<GrpcServerOptions, GrpcServerOptions>? configure = null)
    {
        var node = new NodeService("1.2.3", "abc", Role.Tool) { State = NodeState.Serving };
        var server = new TestServer(node);
        var dispatcher = new RpcDispatcher().Use(server);
        node.AddTo(dispatcher);
        var health = new RpcDispatcher();
        new HealthService(node, new HashSet<string> { "distfs.v1.Node" }).AddTo(health);
        dispatcher
            .Handle(HealthMethods.Check, server.CheckAsync(health))
            .Handle(HealthMethods.Watch, ((StreamBinding<HealthCheckRequest, HealthCheckResponse>)
                health.Bindings[HealthMethods.Watch.FullName]).Handler);
        var options = new GrpcServerOptions { Listen = [RpcAddress.Tcp("127.0.0.1", 0)] };
        server.Grpc = await GrpcServer.StartAsync(dispatcher, configure?.Invoke(options) ?? options);
        return server;
    }

    public static string SourceFolder([CallerFilePath] string? file = null) => Path.GetDirectoryName(file)!;

    public void OnCall(ServerCall call)
    {
        if (Encoding.UTF8.GetString(call.Peer.Credential.Span) == "wrong")
        {
            throw new RpcException(ErrorCatalog.Unauthenticated, "The credential is wrong.");
        }
    }

    public void OnCompleted(ServerCall call, FsStatus status)
    {
        lock (Completed)
        {
            Completed.Add((call.Method.Name, status));
        }
    }

    public ValueTask DisposeAsync() => Grpc.DisposeAsync();

    private UnaryHandler<HealthCheckRequest, HealthCheckResponse> CheckAsync(RpcDispatcher health)
    {
        var standard = ((UnaryBinding<HealthCheckRequest, HealthCheckResponse>)
            health.Bindings[HealthMethods.Check.FullName]).Handler;
        return async (request, call) =>
        {
            switch (request.Service)
            {
                case "slow":
                    SlowStarted.TrySetResult();
                    try
                    {
                        await new TaskCompletionSource().Task
                            .WaitAsync(TimeSpan.FromSeconds(30), call.CancellationToken);
                        return new HealthCheckResponse();
                    }
                    catch (OperationCanceledException)
                    {
                        SlowCancelled.TrySetResult();
                        throw;
                    }

                case "fail":
                    throw new InvalidOperationException("secret");
                default:
                    return await standard(request, call);
            }
        };
    }
}
