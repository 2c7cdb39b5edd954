using DistFS.Chunks;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Data;

/// <summary>The stores of a server: one per disk.</summary>
internal interface IChunkStores
{
    /// <summary>The store that has a chunk, in any state; null: none has it.</summary>
    IChunkStore? Of(ChunkId chunk);

    /// <summary>The store that a chunk is to be made in.</summary>
    /// <exception cref="DistFsException">None takes any (<see cref="ErrorCatalog.ChunkStoreFull"/>).</exception>
    IChunkStore ForNew(ChunkId chunk);

    /// <summary>A chunk was made: from here on <see cref="Of"/> finds it.</summary>
    void Made(ChunkId chunk, IChunkStore store);
}

/// <summary>Whether this server may answer for its copies at the moment, and who it is.</summary>
internal interface IServing
{
    /// <summary>Its id; 0 before it has one.</summary>
    ServerId Self { get; }

    /// <summary>
    /// It is registered, its inventory is through, and the leader has heard from it lately
    /// (docs/design/chunkservers.md). Read by every call: cheap.
    /// </summary>
    bool IsServing { get; }
}
