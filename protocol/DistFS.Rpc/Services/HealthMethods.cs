using DistFS.Protocol.GrpcHealth;

namespace DistFS.Rpc.Services;

/// <summary>
/// The methods of <c>grpc/health/v1/health.proto</c>; they have no numbers, so they are offered over gRPC only.
/// </summary>
public static class HealthMethods
{
    /// <summary>Whether a service serves now.</summary>
    public static readonly RpcMethod<HealthCheckRequest, HealthCheckResponse> Check =
        RpcMethod<HealthCheckRequest, HealthCheckResponse>.Unary("grpc.health.v1", "Health", "Check");

    /// <summary>Whether a service serves, now and at every change.</summary>
    public static readonly RpcMethod<HealthCheckRequest, HealthCheckResponse> Watch =
        RpcMethod<HealthCheckRequest, HealthCheckResponse>.Streaming("grpc.health.v1", "Health", "Watch");
}
