using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Chooses the servers of the chunks that a request is going to make, before it is proposed: one choice for each place
/// that needs one, in their order.
/// </summary>
internal sealed class PlacementStage(MetadataState state, ChunkDuties duties) : IMutationStage
{
    /// <summary>Places that one request allocates; with more, nothing is done (E2BIG).</summary>
    public const int PlacesMax = 4_096;

    /// <summary>How far back-references are followed: a file in a directory in one, all of a request.</summary>
    private const int DepthMax = 64;

    /// <inheritdoc/>
    public ValueTask<MetadataReply?> EnterAsync(Mutation mutation)
    {
        var places = 0;
        foreach (var operation in mutation.Request.Operations)
        {
            if (operation.KindCase == Operation.KindOneofCase.AllocateChunks)
            {
                places += operation.AllocateChunks.Indices.Count;
            }
        }

        return new(places == 0 ? null
            : places > PlacesMax ? new MetadataReply { Status = (int)FsStatus.ArgumentTooLong }
            : duties.Lead is not { } lead ? new MetadataReply
            {
                Status = Redirection.Starting.Status,
                Code = Redirection.Starting.Code,
            }
            : Place(mutation, lead.Servers));
    }

    /// <inheritdoc/>
    public ValueTask LeaveAsync(Mutation mutation, MetadataReply? reply)
    {
        if (reply?.Mutate != null && duties.Lead is { } lead)
        {
            // Its next chunk, most likely the same writer's, is not to begin with the server that has just failed.
            foreach (var operation in mutation.Request.Operations)
            {
                foreach (var dropped in operation.NewVersion?.Drop ?? [])
                {
                    lead.Servers.Doubt(new ServerId(dropped));
                }
            }
        }

        return default;
    }

    private MetadataReply? Place(Mutation mutation, LiveServers servers)
    {
        var (goals, next) = state.Read(mutation.Request, static (store, request) => GoalsOf(store, request));
        Span<ServerId> chosen = stackalloc ServerId[ReplicaGoal.ReplicasMax];
        foreach (var goal in goals)
        {
            var count = servers.Place(next, goal, ChunkLayout.ChunkBytes, chosen);
            if (count == 0)
            {
                return new MetadataReply
                {
                    Status = (int)ErrorCatalog.NoChunkServers.Status,
                    Code = ErrorCatalog.NoChunkServers.Number,
                };
            }

            var placement = new ChunkPlacement
            {
                Goal = (uint)goal.Replicas,
                AnyRack = goal.Racks == RackRule.None,
            };
            foreach (var server in chosen[..count])
            {
                placement.Servers.Add(server.Value);
            }

            mutation.Command.Placements.Add(placement);
        }

        return null;
    }

    /// <summary>
    /// Whether a place gets a new chunk, as it is now: if that changes before the request is applied, a choice is left
    /// over, or one is missing, and the client is told to try again.
    /// </summary>
    private static bool NeedsChunk(ChunkTable chunks, InodeId inode, ulong index) =>
        inode.Partition == InodeId.BackReferences
        || !chunks.TryGetPlace(inode, index, out var place)
        || (chunks.TryGetTrim(inode, out var trim) && trim.Covers(index, place))
        || (place.Replacement.Value == 0 && chunks.Get(place.Chunk).References > 1);

    /// <summary>The goal of each place that is to get a chunk, and the id that the next chunk gets.</summary>
    private static (List<ReplicaGoal> Goals, ulong Next) GoalsOf(
        Metadata.Store.IOrderedStore store, MutateRequest request)
    {
        var goals = new List<ReplicaGoal>();
        if (MetadataView.Open(store) is not { } view)
        {
            return (goals, 1);
        }

        foreach (var operation in request.Operations)
        {
            if (operation.KindCase == Operation.KindOneofCase.AllocateChunks)
            {
                var inode = new InodeId(operation.AllocateChunks.Inode);
                var goal = GoalOf(view, request, inode);
                foreach (var index in operation.AllocateChunks.Indices)
                {
                    if (NeedsChunk(view.Tree.Chunks, inode, index))
                    {
                        goals.Add(goal);
                    }
                }
            }
        }

        return (goals, view.Tree.Chunks.Next.Value);
    }

    /// <summary>
    /// Of an inode that the request itself makes, that of the directory it is made in. What cannot be told is the
    /// cluster's: the state machine will refuse the operation anyway.
    /// </summary>
    private static ReplicaGoal GoalOf(MetadataView view, MutateRequest request, InodeId inode)
    {
        for (var depth = 0; inode.Partition == InodeId.BackReferences; depth++)
        {
            var maker = inode.Number < (ulong)request.Operations.Count && depth < DepthMax
                ? request.Operations[(int)inode.Number] : null;
            if (maker?.KindCase == Operation.KindOneofCase.SetGoal && maker.SetGoal.Replicas is > 0
                and <= ReplicaGoal.ReplicasMax)
            {
                return new ReplicaGoal(
                    (int)maker.SetGoal.Replicas, maker.SetGoal.AnyRack ? RackRule.None : RackRule.Spread);
            }

            if (maker?.KindCase != Operation.KindOneofCase.Make)
            {
                return ReplicaGoal.Default;
            }

            inode = new InodeId(maker.Make.Parent);
        }

        return view.Tree.TryGet(inode, out InodeRow row) ? ReplicaGoal.Of(row) : ReplicaGoal.Default;
    }
}
