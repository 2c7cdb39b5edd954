namespace DistFS.Primitives;

/// <content>148x: the data path, as clients and chunk servers see it (docs/design/chain.md).</content>
public static partial class ErrorCatalog
{
    /// <summary>No more writes in this version.</summary>
    public static readonly ErrorCode ChainBroken = new(1481, FsStatus.TryAgain, "chain broken",
        "A server of the chunk failed: nothing more is written in this version of it. The client begins another "
        + "version, without the server that failed, and repeats what was not answered; it does that by itself.");

    /// <summary>The block is being written.</summary>
    public static readonly ErrorCode ChunkDirty = new(1482, FsStatus.TryAgain, "block is being written",
        "Not all servers of the chunk have this block as it is here, so that it is read at the last one of them. "
        + "Clients do that by themselves.");

    /// <summary>The server does not serve at the moment.</summary>
    public static readonly ErrorCode ChunkServerNotServing = new(1483, FsStatus.TryAgain, "chunk server not serving",
        "The chunk server has not heard from the leading metaserver for some seconds, or has just started and is not "
        + "through with telling what it has. It may not know what changed meanwhile, and answers nothing until it "
        + "does. Clients read elsewhere. If it lasts, look whether the metaservers can be reached from the server.");

    /// <summary>The request is for another server.</summary>
    public static readonly ErrorCode ChunkServerWrong = new(1484, FsStatus.Stale, "another chunk server",
        "The request was for another chunk server than that which has the address now. Clients ask the metaservers "
        + "for the addresses again.");

    /// <summary>The version is over, and no server has failed.</summary>
    public static readonly ErrorCode ChunkVersionOver = new(1485, FsStatus.TryAgain, "version of the chunk is over",
        "Another client writes the chunk, or a write came out of its order: nothing more is written in this version. "
        + "The client begins another one by itself.");

    /// <summary>The server started again and does not know what its copy lacks.</summary>
    public static readonly ErrorCode ChunkAtRest = new(1486, FsStatus.TryAgain, "chunk at rest",
        "The server started again since this version of the chunk began. It does not know whether its copy has all "
        + "that was written, and takes no writes for it. The client goes on without it, and repair makes the copy "
        + "again.");
}
