using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Services;

/// <summary>The methods of <c>distfs/v1/metadata.proto</c>.</summary>
public static class MetadataMethods
{
    /// <summary>A client begins.</summary>
    public static readonly RpcMethod<OpenSessionCall, MetadataReply> OpenSession =
        RpcMethod<OpenSessionCall, MetadataReply>.Of(MetadataReflection.Descriptor, "Metadata", "OpenSession");

    /// <summary>A client is alive.</summary>
    public static readonly RpcMethod<KeepAliveCall, MetadataReply> KeepAlive =
        RpcMethod<KeepAliveCall, MetadataReply>.Of(MetadataReflection.Descriptor, "Metadata", "KeepAlive");

    /// <summary>Operations that change the namespace.</summary>
    public static readonly RpcMethod<MutateCall, MetadataReply> Mutate =
        RpcMethod<MutateCall, MetadataReply>.Of(MetadataReflection.Descriptor, "Metadata", "Mutate");

    /// <summary>Linearizable reads of one moment.</summary>
    public static readonly RpcMethod<ReadRequest, ReadReply> Read =
        RpcMethod<ReadRequest, ReadReply>.Of(MetadataReflection.Descriptor, "Metadata", "Read");

    /// <summary>A page of a directory.</summary>
    public static readonly RpcMethod<ReadDirectoryRequest, ReadDirectoryReply> ReadDirectory =
        RpcMethod<ReadDirectoryRequest, ReadDirectoryReply>.Of(
            MetadataReflection.Descriptor, "Metadata", "ReadDirectory");
}
