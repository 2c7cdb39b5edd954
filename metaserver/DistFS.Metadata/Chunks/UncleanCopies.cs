using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;
using ServerState = DistFS.Protocol.ServerState;

namespace DistFS.Metadata.Chunks;

/// <summary>
/// What becomes of copies in which bytes may be missing that were replied to and never synced (docs/design/chain.md,
/// "After a crash").
/// </summary>
public static class UncleanCopies
{
    /// <summary>
    /// Notes that the copy of a server is unclean, in a version without it, so that the chain is the same for all who
    /// know one; and decides, if none is left that counts. Told again, it only decides.
    /// </summary>
    internal static FsStatus Note(
        Tree tree, LogIndex index, ChunkId id, in ChunkRow chunk, ChangeReplicasRequest.Types.Change change)
    {
        var server = new ServerId(change.Server);
        var known = chunk.UncleanBytesOf(server);
        if (known == ChunkRow.Decided)
        {
            // It is told that it counts, however often it says this: nobody has written since.
            return FsStatus.Ok;
        }

        var length = Math.Min(change.Length, ChunkLayout.ChunkBytes);
        var (noted, isOther) = (chunk, false);
        if (known == ChunkRow.Clean)
        {
            isOther = true;
            noted = chunk.ClusterVersion(index) with
            {
                IsUntold = chunk.IsUntold || chunk.State == ChunkState.Sealed,
            };
        }

        // Of nothing, nothing is missing: it comes to the version, and is clean. Of what is written and not committed
        // yet, something may be.
        if (known != length && known != ChunkRow.Passed && (chunk.Length > 0 || noted.Kept > 0))
        {
            (noted, isOther) = (noted.WithUnclean(server, length, index), true);
        }

        if (TryDecide(tree.Servers, noted, index, out var decided) || isOther)
        {
            tree.Chunks.Put(id, decided);
        }

        return FsStatus.Ok;
    }

    /// <summary>
    /// Decides of a chunk none of whose servers that are not down has a copy that counts: the unclean one with the most
    /// bytes is the chunk, in a sealed version, and all others are made as it is. False: one counts, or it is not known
    /// yet, or there is none to choose.
    /// </summary>
    /// <remarks>
    /// Of equals the first of the chain: what a server stored is a prefix of what those before it stored. Bytes beyond
    /// what is committed are nobody's, and decide nothing. Who is down is not waited for, as it may never come back;
    /// what it has does not count either from here on, clean or not, since the others go on without it; nor what comes
    /// back of one that was not there. But a copy that was passed over lacks what was acknowledged as durable since: it
    /// is chosen when none other is left, up or down, whole or not: one rotten block is no reason to go back in time.
    /// </remarks>
    public static bool TryDecide(ServerTable servers, in ChunkRow chunk, LogIndex index, out ChunkRow decided)
    {
        ArgumentNullException.ThrowIfNull(servers);
        decided = chunk;
        if (chunk.UncleanBytes.IsEmpty)
        {
            return false;
        }

        var (best, most) = (default(ServerId), 0u);
        var (passed, hasBetter) = (default(ServerId), false);
        foreach (var server in chunk.Replicas.Span)
        {
            hasBetter |= chunk.UncleanBytesOf(server) != ChunkRow.Passed;
            if (IsDown(servers, server))
            {
                continue;
            }

            if (!chunk.IsBad(server))
            {
                return false;
            }

            if (chunk.Lacks(server))
            {
                continue;
            }

            if (chunk.UncleanBytesOf(server) == ChunkRow.Passed && !Teeth.Has(PlantedBug.PassedCopyChosen))
            {
                passed = passed.Value == 0 ? server : passed;
                continue;
            }

            var bytes = Math.Min(chunk.UncleanBytesOf(server), chunk.Length);
            if (chunk.IsUnclean(server) && (best.Value == 0 || bytes > most))
            {
                (best, most) = (server, bytes);
            }
        }

        best = best.Value != 0 || hasBetter ? best : passed;
        if (best.Value == 0)
        {
            return false;
        }

        decided = chunk.NextVersion(chunk.Length, index) with { State = ChunkState.Sealed, IsUntold = true };
        decided = decided with { DecidedIn = decided.Version };
        foreach (var server in chunk.Replicas.Span)
        {
            decided = decided.OutOfChain(server);
        }

        decided = decided.WithUnclean(best, ChunkRow.Decided, index);
        return true;
    }

    /// <summary>Whether a server is down, by the log.</summary>
    internal static bool IsDown(ServerTable servers, ServerId server) =>
        !servers.TryGet(server, out var row) || row.State == ServerState.Down;
}
