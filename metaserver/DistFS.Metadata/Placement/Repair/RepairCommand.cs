using DistFS.Primitives;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>What the planner wants done. The shell does it through the log, where it is checked once more.</summary>
public abstract record RepairCommand;

/// <summary>Persist the assignment, then tell its target to fetch the chunk.</summary>
/// <param name="Assignment">What to copy.</param>
public sealed record StartCopy(CopyAssignment Assignment) : RepairCommand;

/// <summary>Forget an assignment: whatever its target still does is in vain.</summary>
/// <param name="Copy">Which.</param>
public sealed record CancelCopy(CopyId Copy) : RepairCommand;

/// <summary>
/// Take a replica out of a chunk's record, if the version is still that and enough others are good, then tell its
/// server, at once or when it is back.
/// </summary>
/// <param name="Chunk">Of which chunk.</param>
/// <param name="Version">The version this was decided for.</param>
/// <param name="Server">Where it is.</param>
public sealed record RemoveReplica(ChunkId Chunk, ChunkVersion Version, ServerId Server) : RepairCommand;

/// <summary>Offer all chunks that have a replica on a server, then say that they were.</summary>
/// <param name="Server">Which; zero for all chunks there are.</param>
public sealed record ScanChunks(ServerId Server) : RepairCommand;
