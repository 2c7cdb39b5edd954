using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>The methods of <c>distfs/v1/node.proto</c>.</summary>
public static class NodeMethods
{
    /// <summary>Who is there.</summary>
    public static readonly RpcMethod<DescribeRequest, DescribeReply> Describe =
        RpcMethod<DescribeRequest, DescribeReply>.Of(NodeReflection.Descriptor, "Node", "Describe");

    /// <summary>Returns the payload as it came.</summary>
    public static readonly RpcMethod<PingRequest, PingReply> Ping =
        RpcMethod<PingRequest, PingReply>.Of(NodeReflection.Descriptor, "Node", "Ping");

    /// <summary>The node's state, at every change and interval.</summary>
    public static readonly RpcMethod<WatchRequest, NodeEvent> Watch =
        RpcMethod<WatchRequest, NodeEvent>.Of(NodeReflection.Descriptor, "Node", "Watch");

    /// <summary>What the process counts and measures.</summary>
    public static readonly RpcMethod<MetricsRequest, MetricsReply> Metrics =
        RpcMethod<MetricsRequest, MetricsReply>.Of(NodeReflection.Descriptor, "Node", "Metrics");
}
