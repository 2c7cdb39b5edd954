using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Chunks;

/// <summary>
/// The cluster brings chunks to rest that nobody writes any more. Once all servers of the chain of a sealed chunk are
/// known to have come to rest in its version, each of them has all of it, and says so on its disk: so any of them
/// serves readers and copies, whichever of the others is left.
/// </summary>
public static class ChunkSeals
{
    /// <summary>
    /// Seals a chunk in which nothing was committed since it was looked at; or once more, without those that went down
    /// before they were known to have come to rest; or notes that all have. ESTALE: it is another one by now, or a
    /// server of its chain is down. EAGAIN: none is left that has a copy for certain.
    /// </summary>
    /// <remarks>
    /// In the next version: what its writer sends and never commits must not be in one copy and not in another. Until
    /// every server refuses the version before, it is not copied, whoever leads. Who is down is not in the chain, where
    /// the others would settle by it; it stays one of the chunk's servers, and is made as they are when it comes back.
    /// </remarks>
    internal static FsStatus SealIdle(Tree tree, LogIndex index, SealIdleRequest request)
    {
        var id = new ChunkId(request.Chunk);
        if (!tree.Chunks.TryGet(id, out var chunk))
        {
            return FsStatus.NotFound;
        }

        if (chunk.Version.Value != request.Version || chunk.Length != request.Length)
        {
            return FsStatus.Stale;
        }

        return request.IsTold ? NoteTold(tree, id, chunk) : Seal(tree, index, id, chunk);
    }

    /// <summary>Without those of its chain that are down.</summary>
    internal static ChunkRow WithoutDown(ServerTable servers, in ChunkRow chunk)
    {
        var rest = chunk;
        foreach (var server in chunk.Chain)
        {
            rest = UncleanCopies.IsDown(servers, server) ? rest.OutOfChain(server) : rest;
        }

        return rest;
    }

    /// <summary>Whether servers of its chain are down, and another one has a copy for certain.</summary>
    public static bool CanLeaveOutDown(ServerTable servers, in ChunkRow chunk) =>
        HasDown(servers, chunk) && ReplicaChanges.HasLive(servers, WithoutDown(servers, chunk)) == FsStatus.Ok;

    /// <summary>Whether a server of its chain is down; of nothing, nobody has missed anything.</summary>
    public static bool HasDown(ServerTable servers, in ChunkRow chunk)
    {
        ArgumentNullException.ThrowIfNull(servers);
        return chunk.Length > 0 && !Teeth.Has(PlantedBug.ToldTakenForRest)
            && chunk.Chain.Any(server => UncleanCopies.IsDown(servers, server));
    }

    private static FsStatus Seal(Tree tree, LogIndex index, ChunkId id, in ChunkRow chunk)
    {
        var canLeaveOut = CanLeaveOutDown(tree.Servers, chunk);
        if (chunk.State == ChunkState.Sealed && !canLeaveOut)
        {
            return HasDown(tree.Servers, chunk) ? FsStatus.TryAgain : FsStatus.Stale;
        }

        var rest = canLeaveOut ? WithoutDown(tree.Servers, chunk) : chunk;
        tree.Chunks.Put(
            id, rest.NextVersion(chunk.Length, index) with { State = ChunkState.Sealed, IsUntold = true });
        return FsStatus.Ok;
    }

    private static FsStatus NoteTold(Tree tree, ChunkId id, in ChunkRow chunk)
    {
        if (chunk.State != ChunkState.Sealed)
        {
            return FsStatus.Stale;
        }

        if (!HasDown(tree.Servers, chunk))
        {
            tree.Chunks.Put(id, chunk.WithDecisionTold() with { IsUntold = false });
            return FsStatus.Ok;
        }

        if (chunk.DecidedServer == null)
        {
            return FsStatus.Stale;
        }

        // It does not know, and may never: another one may be decided for.
        tree.Chunks.Put(id, chunk.WithDecisionTold());
        return FsStatus.Ok;
    }
}
