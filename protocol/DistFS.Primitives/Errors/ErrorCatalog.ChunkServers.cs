namespace DistFS.Primitives;

/// <content>145x: chunk servers, as metaservers see them.</content>
public static partial class ErrorCatalog
{
    /// <summary>There is no such chunk server.</summary>
    public static readonly ErrorCode ChunkServerUnknown = new(1451, FsStatus.NotFound, "chunk server unknown",
        "The cluster has no chunk server with this id: it was taken out for good, or the server's folder is of another "
        + "cluster. Nothing was done. If it was taken out on purpose, give it an empty data folder, with which it "
        + "joins as a new server.");

    /// <summary>Another data folder has the id.</summary>
    public static readonly ErrorCode ChunkServerIdTaken = new(1452, FsStatus.AlreadyExists, "chunk server id taken",
        "Another data folder is the chunk server with this id. Nothing was done, and the other one is not disturbed. "
        + "Start each chunk server with its own folder; never copy single files of one into another.");

    /// <summary>Another run of the same data folder registered since.</summary>
    public static readonly ErrorCode ChunkServerRunOver = new(1453, FsStatus.Stale, "chunk server's run is over",
        "A later run of this data folder, or of a copy of it, has registered, and what this one says is refused. Stop "
        + "it. If the folder was copied, only one of the copies may be used from now on: the one that is registered.");

    /// <summary>Nowhere to put a new chunk.</summary>
    public static readonly ErrorCode NoChunkServers = new(1454, FsStatus.TryAgain, "no chunk server takes data",
        "No chunk server is up and has room, so that nothing larger than a small file can be written. Nothing was "
        + "done. Start chunk servers, or look why those that are there are full, draining or silent.");

    /// <summary>A chunk server does not answer, and nothing else has the chunk.</summary>
    public static readonly ErrorCode FencePending = new(1455, FsStatus.TryAgain, "chunk server not told yet",
        "The operation is done, but a chunk server that has the only copy of a chunk does not answer, and has to know "
        + "before the client may go on. Repeat the request under its number: it is answered when the server is back, "
        + "or is dead.");
}
