using DistFS.Primitives;

namespace DistFS.Metadata.Chunks;

/// <summary>
/// Which chunks may be others than before, and which servers may have more to delete: for who plans with them, and
/// looks at the rows again. What an operation touched that failed is in it too.
/// </summary>
public sealed class ChunkChanges
{
    /// <summary>Chunks made, changed or gone.</summary>
    public HashSet<ChunkId> Chunks { get; } = [];

    /// <summary>Servers that got something to delete.</summary>
    public HashSet<ServerId> Garbage { get; } = [];

    /// <summary>Nothing is told any more.</summary>
    public void Clear()
    {
        Chunks.Clear();
        Garbage.Clear();
    }
}
