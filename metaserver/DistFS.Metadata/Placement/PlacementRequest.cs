using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>A chunk that wants replicas.</summary>
/// <param name="Chunk">Which: its hash says where on the ring it starts.</param>
/// <param name="SizeBytes">What one replica may come to.</param>
/// <param name="Goal">How many, and where.</param>
/// <param name="Local">
/// The server on the host of who writes it, if that is to have the first replica; zero for none. It must take new
/// replicas and be below its bound like any other.
/// </param>
public readonly record struct PlacementRequest(
    ChunkId Chunk, long SizeBytes, ReplicaGoal Goal, ServerId Local = default);

/// <summary>What is less than asked for in a placement.</summary>
[Flags]
public enum PlacementFlaws
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>There are fewer replicas than wanted: not enough servers take any.</summary>
    TooFewServers = 1,

    /// <summary>Two replicas share a rack, against the rule: not enough racks.</summary>
    SharedRack = 2,

    /// <summary>A server is above its bound: the racks left no other.</summary>
    AboveBound = 4,
}

/// <summary>Where a chunk goes.</summary>
/// <param name="Count">How many replicas were found, 0 too.</param>
/// <param name="Flaws">What is less than asked for.</param>
public readonly record struct PlacementResult(int Count, PlacementFlaws Flaws);
