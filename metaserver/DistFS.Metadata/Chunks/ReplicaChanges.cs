using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Chunks;

/// <summary>Copies that repair and balance have made, and those that are lost or too many.</summary>
internal static class ReplicaChanges
{
    /// <summary>Does those that fit the state; tells of each how it ended.</summary>
    public static FsStatus Apply(Tree tree, LogIndex index, ChangeReplicasRequest request, MetadataReply reply)
    {
        if (request.Changes.Count > ChunkLayout.StepMax)
        {
            return FsStatus.Invalid;
        }

        reply.ChangeReplicas = new ChangeReplicasReply();
        foreach (var change in request.Changes)
        {
            reply.ChangeReplicas.Statuses.Add((int)Apply(tree, index, change));
        }

        return FsStatus.Ok;
    }

    /// <summary>
    /// Whether a server has a copy for certain: it is not down, what it has was compared, and it did not say that it
    /// lacks this one or that it is unclean. EAGAIN: one may have, and it is not known yet. EIO: none.
    /// </summary>
    public static FsStatus HasLive(ServerTable servers, in ChunkRow chunk)
    {
        var status = Teeth.Has(PlantedBug.LastCopyRemoved) ? FsStatus.Ok : FsStatus.IoError;
        foreach (var replica in chunk.Replicas.Span)
        {
            if (!chunk.IsBad(replica) && servers.TryGet(replica, out var server) && server.State != ServerState.Down)
            {
                if (server.IsThrough)
                {
                    return FsStatus.Ok;
                }

                status = status == FsStatus.Ok ? status : FsStatus.TryAgain;
            }
        }

        return status;
    }

    /// <summary>Checks first: one that fails leaves no trace, but for a loss, which is noted.</summary>
    private static FsStatus Apply(Tree tree, LogIndex index, ChangeReplicasRequest.Types.Change change)
    {
        var (id, server) = (new ChunkId(change.Chunk), new ServerId(change.Server));
        return !tree.Chunks.TryGet(id, out var chunk) ? FsStatus.NotFound
            : chunk.Version.Value != change.Version ? FsStatus.Stale
            : change.Unclean && chunk.IsOn(server) ? UncleanCopies.Note(tree, index, id, chunk, change)
            : chunk.IsOn(server) == change.Add ? Keep(tree, index, id, chunk, server)
            : change.Add ? Add(tree, index, id, chunk, server)
            : Remove(tree, index, id, chunk, change);
    }

    /// <summary>
    /// It is as it should be; of a server that lacked the copy, it is known from here on that it has it. So it is in
    /// the chain again, which begins a version; but not of a sealed chunk that others have, or may have: they have come
    /// to rest without it, and it is made as they are.
    /// </summary>
    private static FsStatus Keep(Tree tree, LogIndex index, ChunkId id, in ChunkRow chunk, ServerId server)
    {
        if (!chunk.Lacks(server))
        {
            return FsStatus.Ok;
        }

        var found = chunk.WithLack(server, lacks: false, index);
        if (!found.IsUnclean(server))
        {
            found = chunk.State == ChunkState.Open ? found.ClusterVersion(index)
                : HasLive(tree.Servers, chunk) != FsStatus.IoError ? found.OutOfChain(server)
                : ChunkSeals.WithoutDown(tree.Servers, found.ClusterVersion(index)) with { IsUntold = true };
        }

        tree.Chunks.Put(id, found);
        return FsStatus.Ok;
    }

    /// <summary>
    /// EBUSY: the chunk is being written, so the copy may have missed something; or the server still has to delete an
    /// older copy, and what deletes that must not meet this one.
    /// </summary>
    internal static FsStatus Add(Tree tree, LogIndex index, ChunkId id, in ChunkRow chunk, ServerId server)
    {
        if (!tree.Servers.TryGet(server, out var row) || row.State != ServerState.Up)
        {
            return FsStatus.TryAgain;
        }

        if (chunk.State == ChunkState.Open || tree.Chunks.TryGetGarbage(server, id, out _))
        {
            return FsStatus.Busy;
        }

        if (chunk.Replicas.Length == ChunkRow.ReplicasMax)
        {
            return FsStatus.Invalid;
        }

        tree.Chunks.Put(id, chunk.WithServer(server, index));
        tree.Chunks.AddReplica(id, server);
        return FsStatus.Ok;
    }

    /// <summary>
    /// EIO: no other server that is up has a copy, and the last one is never given up. EAGAIN: no other is known to
    /// have one until its inventory is through. The version grows, so that an order to delete this copy, however late
    /// it comes, does not fit one that is made later. A loss that is refused is noted all the same, in a version
    /// without that server in its chain: no other's copy is given up for one that is known not to be there, and whoever
    /// knows an older version is refused by what a copy brings there later. EBUSY: what is lost is being made there
    /// again already; if that fails, the server tells its loss again.
    /// </summary>
    private static FsStatus Remove(
        Tree tree, LogIndex index, ChunkId id, in ChunkRow chunk, ChangeReplicasRequest.Types.Change change)
    {
        var server = new ServerId(change.Server);
        var after = chunk.Without(server).ClusterVersion(index);
        if (HasLive(tree.Servers, after) is not FsStatus.Ok and var status)
        {
            if (change.Lost && !chunk.Lacks(server))
            {
                tree.Chunks.Put(id, chunk.ClusterVersion(index).WithLack(server, lacks: true, index));
            }

            return status;
        }

        if (change.Lost && chunk.IsBad(server) && IsBeingMade(tree, id, server))
        {
            return FsStatus.Busy;
        }

        tree.Chunks.Put(id, after);
        tree.Chunks.DropReplica(id, server, new GarbageRow(chunk.Version, index));
        return FsStatus.Ok;
    }

    private static bool IsBeingMade(Tree tree, ChunkId id, ServerId server)
    {
        foreach (var copy in tree.Copies.Of(id))
        {
            if (copy.Target == server)
            {
                return true;
            }
        }

        return false;
    }
}
