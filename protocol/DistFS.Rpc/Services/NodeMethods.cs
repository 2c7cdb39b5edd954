using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>The methods of <c>distfs/v1/node.proto</c>.</summary>
public static class NodeMethods
{
    /// <summary>Who is there.</summary>
    public static readonly RpcMethod<DescribeRequest, DescribeReply> Describe =
        RpcMethod<DescribeRequest, DescribeReply>.Unary("distfs.v1", "Node", "Describe", 0x0001);

    /// <summary>Returns the payload as it came.</summary>
    public static readonly RpcMethod<PingRequest, PingReply> Ping =
        RpcMethod<PingRequest, PingReply>.Unary("distfs.v1", "Node", "Ping", 0x0002);

    /// <summary>The node's state, at every change and interval.</summary>
    public static readonly RpcMethod<WatchRequest, NodeEvent> Watch =
        RpcMethod<WatchRequest, NodeEvent>.Streaming("distfs.v1", "Node", "Watch", 0x0003);

    /// <summary>What the process counts and measures.</summary>
    public static readonly RpcMethod<MetricsRequest, MetricsReply> Metrics =
        RpcMethod<MetricsRequest, MetricsReply>.Unary("distfs.v1", "Node", "Metrics", 0x0004);
}
