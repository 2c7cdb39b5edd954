using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>The data path between clients and chunk servers (<c>distfs/v1/data.proto</c>).</summary>
public static class ChunkDataMethods
{
    /// <summary>Stores pieces on all members of a chain.</summary>
    public static readonly RpcMethod<WriteChunkRequest, WriteChunkReply> Write =
        RpcMethod<WriteChunkRequest, WriteChunkReply>.Unary("distfs.v1", "ChunkData", "Write", 0x0901);

    /// <summary>Makes what was written durable on all members of a chain.</summary>
    public static readonly RpcMethod<SyncChunkRequest, WriteChunkReply> Sync =
        RpcMethod<SyncChunkRequest, WriteChunkReply>.Unary("distfs.v1", "ChunkData", "Sync", 0x0902);

    /// <summary>Pieces as they are stored.</summary>
    public static readonly RpcMethod<ReadChunkRequest, ReadChunkReply> Read =
        RpcMethod<ReadChunkRequest, ReadChunkReply>.Unary("distfs.v1", "ChunkData", "Read", 0x0903);

    /// <summary>Checksums of the stored pieces.</summary>
    public static readonly RpcMethod<DigestChunkRequest, DigestChunkReply> Digest =
        RpcMethod<DigestChunkRequest, DigestChunkReply>.Unary("distfs.v1", "ChunkData", "Digest", 0x0904);
}
