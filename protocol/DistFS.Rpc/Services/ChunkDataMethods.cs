using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>The data path between clients and chunk servers (<c>distfs/v1/data.proto</c>).</summary>
public static class ChunkDataMethods
{
    /// <summary>Stores pieces on all members of a chain.</summary>
    public static readonly RpcMethod<WriteChunkRequest, WriteChunkReply> Write =
        RpcMethod<WriteChunkRequest, WriteChunkReply>.Of(DataReflection.Descriptor, "ChunkData", "Write");

    /// <summary>Makes what was written durable on all members of a chain.</summary>
    public static readonly RpcMethod<SyncChunkRequest, WriteChunkReply> Sync =
        RpcMethod<SyncChunkRequest, WriteChunkReply>.Of(DataReflection.Descriptor, "ChunkData", "Sync");

    /// <summary>Pieces as they are stored.</summary>
    public static readonly RpcMethod<ReadChunkRequest, ReadChunkReply> Read =
        RpcMethod<ReadChunkRequest, ReadChunkReply>.Of(DataReflection.Descriptor, "ChunkData", "Read");

    /// <summary>Checksums of the stored pieces.</summary>
    public static readonly RpcMethod<DigestChunkRequest, DigestChunkReply> Digest =
        RpcMethod<DigestChunkRequest, DigestChunkReply>.Of(DataReflection.Descriptor, "ChunkData", "Digest");
}
