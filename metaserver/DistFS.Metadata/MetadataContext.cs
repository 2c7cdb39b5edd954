using DistFS.Metadata.Chunks;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <summary>What an operation works with: the tree, the time of the entry, and who asks.</summary>
/// <param name="Tree">The state.</param>
/// <param name="Now">The time of the entry: later than that of every entry before it.</param>
/// <param name="Caller">On whose behalf.</param>
/// <param name="Client">The session that asks; zero for what metaservers do by themselves.</param>
public readonly record struct MetadataContext(Tree Tree, FileTime Now, Principal Caller, ClientId Client = default)
{
    /// <summary>The place of the entry in the log.</summary>
    public LogIndex Index { get; init; }

    /// <summary>The servers that the leader chose for chunks that the entry makes; null: it chose none.</summary>
    public Placements? Placements { get; init; }
}
