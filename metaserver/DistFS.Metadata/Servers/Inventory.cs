using DistFS.Metadata.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Servers;

/// <summary>A copy that a server says it has.</summary>
/// <param name="Chunk">Of which chunk.</param>
/// <param name="Version">In which version.</param>
/// <param name="Length">Bytes from its start to the end of what was written.</param>
/// <param name="IsUnclean">Whether bytes may be missing in it that were replied to and never synced.</param>
/// <param name="IsUnsealed">Whether the server does not know that nobody writes in that version.</param>
public readonly record struct ReportedCopy(
    ChunkId Chunk, ChunkVersion Version, uint Length, bool IsUnclean = false, bool IsUnsealed = false);

/// <summary>What follows from a page of a report.</summary>
public sealed class InventoryPlan
{
    /// <summary>A plan that has settled everything up to a chunk so far.</summary>
    public InventoryPlan(ChunkId next) => Next = next;

    /// <summary>
    /// The report is settled up to here; it goes on with a page that begins here, of what the server has after it was
    /// answered. The first chunk that changed since the report, and is not there as it is now, is not settled: it may
    /// be lost, and may have come meanwhile.
    /// </summary>
    public ChunkId Next { get; private set; }

    /// <summary>To be deleted by the server.</summary>
    public List<DeleteOrder> Deletes { get; } = [];

    /// <summary>
    /// Versions that the server missed, or does not know to be sealed, and with which it is right: what it has is not
    /// lost.
    /// </summary>
    public List<ChunkFence> Fences { get; } = [];

    /// <summary>To be proposed: copies that the server should have, and has not or not as they should be.</summary>
    public List<ChangeReplicasRequest.Types.Change> Lost { get; } = [];

    /// <summary>To be proposed: copies that the server was known to lack, and has again.</summary>
    public List<ChangeReplicasRequest.Types.Change> Found { get; } = [];

    /// <summary>To be proposed: copies of the server that are unclean, or as if they were.</summary>
    public List<ChangeReplicasRequest.Types.Change> Unclean { get; } = [];

    /// <summary>
    /// Copies that nothing here explains: chunks that were never made, versions that were never given. They stay where
    /// they are, and a person should look: the state may have been put back to an older one.
    /// </summary>
    public List<ReportedCopy> Unknown { get; } = [];

    /// <summary>
    /// Right copies on a server that is not to have them: a repair that is not told of yet, or one given up.
    /// </summary>
    public List<ReportedCopy> Surplus { get; } = [];

    /// <summary>A chunk is not settled: the report goes on there, or before it.</summary>
    public void AskAgain(ChunkId chunk) => Next = chunk.Value < Next.Value ? chunk : Next;
}

/// <summary>What a server has, against what it should have.</summary>
/// <remarks>
/// Nothing here changes the state: what is lost goes through the log, with the version in which it was found so.
/// Whatever a server says, only its own copies are at stake, never the last one, and none is deleted of which the state
/// might still learn. An order to delete stays right however late it comes, since ids are not given twice and it names
/// a version which the server is behind of.
/// </remarks>
public static class Inventory
{
    /// <summary>Copies in a page, and rows looked at for it.</summary>
    public const int PageMax = 1024;

    /// <summary>
    /// Compares a page. EINVAL: it is too long, not in order, or outside of its bounds.
    /// </summary>
    /// <param name="tree">The state, at or after <paramref name="position"/>.</param>
    /// <param name="server">Who reports.</param>
    /// <param name="position">What the state says of later entries, the report may not know.</param>
    /// <param name="from">The page is about the chunks from this one</param>
    /// <param name="to">to before this one.</param>
    /// <param name="copies">All that the server has of them, by id.</param>
    /// <param name="plan">What follows.</param>
    public static FsStatus Compare(
        Tree tree,
        ServerId server,
        LogIndex position,
        ChunkId from,
        ChunkId to,
        IReadOnlyList<ReportedCopy> copies,
        out InventoryPlan plan)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(copies);
        plan = new InventoryPlan(from);
        if (!IsPage(from, to, copies))
        {
            return FsStatus.Invalid;
        }

        var expected = tree.Chunks.Replicas(server, from, to, PageMax + 1);
        var next = expected.Count > PageMax ? expected[PageMax] : to;
        plan = new InventoryPlan(next);
        var reported = new HashSet<ChunkId>();
        foreach (var copy in copies)
        {
            if (copy.Chunk.Value < next.Value)
            {
                reported.Add(copy.Chunk);
                Judge(tree, server, position, copy, plan);
            }
        }

        foreach (var id in expected.Take(PageMax))
        {
            var chunk = tree.Chunks.Get(id);
            if (!reported.Contains(id) && chunk.Length > 0)
            {
                Settle(id, chunk, server, position, isThere: false, plan);
            }
            else if (!reported.Contains(id) && chunk.State == ChunkState.Open)
            {
                SettleUncommitted(id, chunk, server, position, plan);
            }
        }

        return FsStatus.Ok;
    }

    /// <summary>
    /// Nothing is here, and nothing is committed: but its writer may have been replied to, before this server lost its
    /// disk, or crashed before it had synced anything. So it is as an unclean copy of no bytes; and whoever writes in
    /// an older version is refused, or he would make the chunk here anew, without what came before.
    /// </summary>
    private static void SettleUncommitted(
        ChunkId id, in ChunkRow chunk, ServerId server, LogIndex position, InventoryPlan plan)
    {
        if (chunk.IsUnclean(server))
        {
            plan.Fences.Add(ChunkFences.Of(id, chunk));
            return;
        }

        plan.AskAgain(id);
        if (chunk.ChangedAt <= position)
        {
            plan.Unclean.Add(new ChangeReplicasRequest.Types.Change
            {
                Chunk = id.Value,
                Version = chunk.Version.Value,
                Server = server.Value,
                Unclean = true,
            });
        }
    }

    private static bool IsPage(ChunkId from, ChunkId to, IReadOnlyList<ReportedCopy> copies)
    {
        if (copies.Count > PageMax)
        {
            return false;
        }

        var least = from.Value;
        foreach (var copy in copies)
        {
            if (copy.Chunk.Value < least || copy.Chunk.Value >= to.Value)
            {
                return false;
            }

            least = copy.Chunk.Value + 1;
        }

        return true;
    }

    private static void Judge(Tree tree, ServerId server, LogIndex position, ReportedCopy copy, InventoryPlan plan)
    {
        var id = copy.Chunk;
        if (!tree.Chunks.TryGet(id, out var chunk))
        {
            if (id.Value != 0 && id.Value < tree.Chunks.Next.Value)
            {
                // It was made, and is no more.
                plan.Deletes.Add(OrderFor(copy));
            }
            else
            {
                plan.Unknown.Add(copy);
            }
        }
        else if (copy.Version.Value > chunk.Version.Value)
        {
            plan.Unknown.Add(copy);
        }
        else if (chunk.IsOn(server))
        {
            // A server hears of a version with the first write in it: an older one than that of the last commit has
            // missed something, an older one than the present has not.
            var isStale = copy.Version.Value < chunk.Written.Value;
            if (!isStale && (copy.IsUnclean || chunk.IsUnclean(server) || chunk.DecidedServer == server))
            {
                JudgeUnclean(id, chunk, server, position, copy, plan);
                return;
            }

            if (isStale || copy.Length < chunk.Length)
            {
                Settle(id, chunk, server, position, isThere: false, plan);
                return;
            }

            if (chunk.Lacks(server))
            {
                Settle(id, chunk, server, position, isThere: true, plan);
            }

            // Of a sealed chunk, one that is not serves nobody but as the tail, until it is told so and has settled.
            if (copy.Version.Value < chunk.Version.Value || (copy.IsUnsealed && chunk.State == ChunkState.Sealed))
            {
                plan.Fences.Add(ChunkFences.Of(id, chunk));
            }
        }
        else if (tree.Chunks.TryGetGarbage(server, id, out var garbage) && copy.Version.Value <= garbage.Version.Value)
        {
            plan.Deletes.Add(garbage.OrderFor(id));
        }
        else if (copy.Version.Value < chunk.Version.Value)
        {
            plan.Deletes.Add(OrderFor(copy));
        }
        else
        {
            plan.Surplus.Add(copy);
        }
    }

    /// <summary>
    /// It says itself that it is unclean, or is known to count for nothing, until it is made as another's: whatever it
    /// says in a later run. Or it was decided that it is the chunk, and is told so, in whichever run.
    /// </summary>
    private static void JudgeUnclean(
        ChunkId id, in ChunkRow chunk, ServerId server, LogIndex position, ReportedCopy copy, InventoryPlan plan)
    {
        if (chunk.DecidedServer == server
            || (chunk is { Length: 0, Kept: 0 } && copy.Version.Value < chunk.Version.Value))
        {
            plan.Fences.Add(ChunkFences.Of(id, chunk));
            return;
        }

        if (chunk.UncleanBytesOf(server) is var known && known != copy.Length && known != ChunkRow.Passed)
        {
            if (chunk.ChangedAt > position)
            {
                plan.AskAgain(id);
                return;
            }

            plan.Unclean.Add(new ChangeReplicasRequest.Types.Change
            {
                Chunk = id.Value,
                Version = chunk.Version.Value,
                Server = server.Value,
                Unclean = true,
                Length = copy.Length,
            });
            if (chunk.Length == 0)
            {
                // It is clean in the version that begins with this.
                plan.AskAgain(id);
            }
        }

        if (!copy.IsUnclean && copy.Version.Value < chunk.Version.Value)
        {
            // It must serve nobody who knows an older version.
            plan.Fences.Add(ChunkFences.Of(id, chunk));
        }
    }

    /// <summary>
    /// For the log, if nothing has changed since the report was made: it lacks what the state says, or has what the
    /// server was known to lack.
    /// </summary>
    private static void Settle(
        ChunkId id, in ChunkRow chunk, ServerId server, LogIndex position, bool isThere, InventoryPlan plan)
    {
        if (chunk.ChangedAt > position)
        {
            plan.AskAgain(id);
            return;
        }

        (isThere ? plan.Found : plan.Lost).Add(new ChangeReplicasRequest.Types.Change
        {
            Chunk = id.Value,
            Version = chunk.Version.Value,
            Server = server.Value,
            Add = isThere,
            Lost = !isThere,
        });
    }

    private static DeleteOrder OrderFor(ReportedCopy copy) =>
        new() { Chunk = copy.Chunk.Value, Version = copy.Version.Value };
}
