using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Primitives;
using DistFS.Protocol;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Chunkserver.Copies;

/// <summary>
/// One copy of a chunk from another server: all of it is here and durable when it ends, or nothing of it. What an older
/// copy here has already does not cross the network.
/// </summary>
/// <param name="order">What is to be copied.</param>
/// <param name="source">Where it is.</param>
/// <param name="stores">Where it comes.</param>
/// <param name="open">Who writes here.</param>
/// <param name="rate">How fast.</param>
internal sealed class ChunkCopy(
    CopyOrder order, CopySource source, IChunkStores stores, OpenChunks open, CopyRate rate)
{
    /// <summary>Requests under way at a time.</summary>
    private const int InFlightMax = 3;

    private readonly ChunkId _chunk = new(order.Chunk);
    private readonly ChunkVersion _version = new(order.Version);
    private readonly CopyId _copy = new(order.Copy);

    // What is to go when it fails: null before anything was begun.
    private IChunkStore? _begun;

    /// <summary>Bytes that came over the network.</summary>
    public long FetchedBytes { get; private set; }

    /// <summary>Blocks that were here already.</summary>
    public int KeptBlocks { get; private set; }

    /// <summary>Copies it.</summary>
    /// <exception cref="DistFsException">It did not work; nothing is left of it.</exception>
    /// <exception cref="OperationCanceledException">It was given up; nothing is left of it.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await CopyAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            // It may have come to another version meanwhile, and is of this order all the same.
            if (_begun != null && _begun.TryGet(_chunk, out var left) && left.Copy == _copy)
            {
                var remains = new ChunkDeletion(_chunk, left.Version, _copy);
                await _begun.DeleteAsync(new[] { remains }, CancellationToken.None).ConfigureAwait(false);
            }

            throw;
        }
    }

    private async Task CopyAsync(CancellationToken cancellation)
    {
        var store = stores.Of(_chunk) ?? stores.ForNew(_chunk);
        var isHere = store.TryGet(_chunk, out var info);
        if (isHere && info is { State: ChunkState.Serving, IsUnclean: false } && info.Version == _version
            && info.Copy == _copy)
        {
            // Made before this server started again, and not known to be.
            await SealAsync(store).ConfigureAwait(false);
            return;
        }

        var isOver = isHere && info.State == ChunkState.Serving && (order.Over || info.IsUnclean);
        if (isHere && !isOver && info.Version.Value >= _version.Value && info.State == ChunkState.Serving)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkExists, $"Chunk {_chunk} is here in {info.Version} already, by {info.Copy}.");
        }

        // The source comes to the version with it, and is known to answer before anything here is given up.
        await rate.TakeAsync(CopyPlan.RunMax * ChunkLayout.BlockBytes, cancellation).ConfigureAwait(false);
        using var first = await source.ReadAsync(default, CopyPlan.RunMax, cancellation).ConfigureAwait(false);
        rate.Correct(first.Bytes - (CopyPlan.RunMax * ChunkLayout.BlockBytes));
        FetchedBytes += first.Bytes;
        if (first.Length < order.Length)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkLost,
                $"Server {order.Source} has {first.Length} bytes of chunk {_chunk} {_version}, of {order.Length}.");
        }

        if (isOver)
        {
            await MakeEqualAsync(store, first.Length, cancellation).ConfigureAwait(false);
            return;
        }

        var plan = isHere
            ? await BeginOverAsync(store, info, cancellation).ConfigureAwait(false)
            : await BeginAsync(store, first.Length, cancellation).ConfigureAwait(false);
        await FetchAsync(store, plan, first, cancellation).ConfigureAwait(false);
        await store.CompleteAsync(_chunk, _version, _copy, first.Length, CancellationToken.None).ConfigureAwait(false);
        await SealAsync(store).ConfigureAwait(false);
    }

    /// <summary>
    /// Only what nobody writes is copied: all of its version is here, and whoever reads it is served, after a restart
    /// too. What is open of it meanwhile, to be settled, has nothing more to fetch.
    /// </summary>
    private async Task SealAsync(IChunkStore store)
    {
        await store.SealAsync(_chunk, _version, CancellationToken.None).ConfigureAwait(false);
        open.Close(_chunk);
    }

    /// <summary>
    /// What is here does not count, and has all the same what was synced: block by block it is made as the source's,
    /// and at its end it counts. So whatever ends that earlier, nothing of it is lost. It may be sealed, and right,
    /// already: settled, or mended, before the cluster knew.
    /// </summary>
    private async Task MakeEqualAsync(IChunkStore store, uint length, CancellationToken cancellation)
    {
        open.Close(_chunk);

        // Not as a sealed one: it was sealed with other bytes than the source has, and is to be taken for whole at the
        // end only.
        await FenceAsync(store, new VersionFence(_chunk, _version, length)).ConfigureAwait(false);
        if (!store.TryGet(_chunk, out var here) || here.Version != _version)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkExists, $"Chunk {_chunk} is here in {here.Version}, and not to be copied over.");
        }

        var there = await source.DigestAsync(cancellation).ConfigureAwait(false);
        var digests = new List<BlockDigest>();
        store.Digest(_chunk, _version, digests);
        var mine = digests.ToDictionary(static digest => digest.Block.Value);
        var same = digests.Where(digest => there.TryGetValue(digest.Block.Value, out var other) && other == digest)
            .Select(static digest => digest.Block).ToList();
        foreach (var damaged in Damaged(store, same, cancellation))
        {
            mine[damaged.Value] = default;
        }

        foreach (var block in there.Keys.Union(mine.Keys).Order().Select(static block => new BlockIndex(block)))
        {
            var isThere = there.TryGetValue(block.Value, out var theirs);
            if (isThere && mine.TryGetValue(block.Value, out var own) && own == theirs)
            {
                KeptBlocks++;
                continue;
            }

            await rate.TakeAsync(ChunkLayout.BlockBytes, cancellation).ConfigureAwait(false);
            using var pieces = await source.ReadAsync(block, 1, cancellation).ConfigureAwait(false);
            FetchedBytes += pieces.Bytes;
            if (here.IsSealed)
            {
                await store.ReplaceBlocksAsync(
                    _chunk, _version, [block], pieces.Pieces, isWhole: false, CancellationToken.None)
                    .ConfigureAwait(false);
            }
            else
            {
                await ReplaceAsync(store, block, pieces.Pieces.Memory).ConfigureAwait(false);
            }
        }

        await store.SyncAsync(_chunk, _version, CancellationToken.None).ConfigureAwait(false);
        await FenceAsync(store, new VersionFence(_chunk, _version, length, Counts: true, _copy)).ConfigureAwait(false);
        await SealAsync(store).ConfigureAwait(false);
    }

    /// <summary>Zeros first: so nothing shows of what is here, also where the source has patches only, or nothing.
    /// </summary>
    private async Task ReplaceAsync(IChunkStore store, BlockIndex block, ReadOnlyMemory<byte> content)
    {
        var pieces = new byte[PieceHeader.Bytes + content.Length];
        var zeros = BlockCodec.EncodeZeros(block, 0, ChunkLayout.BlockBytes, pieces);
        content.CopyTo(pieces.AsMemory(zeros));
        await store.WriteAsync(_chunk, _version, pieces, isDurable: false, CancellationToken.None)
            .ConfigureAwait(false);
    }

    private static async Task FenceAsync(IChunkStore store, VersionFence fence)
    {
        var outcomes = new FenceOutcome[1];
        await store.BeginVersionsAsync(new[] { fence }, outcomes, CancellationToken.None).ConfigureAwait(false);
        if (outcomes[0] != FenceOutcome.Begun)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkVersionStale, $"Chunk {fence.Chunk} {fence.Version}: {outcomes[0]} here.");
        }
    }

    private async Task<CopyPlan> BeginAsync(IChunkStore store, uint length, CancellationToken cancellation)
    {
        await store.BeginCopyAsync(_chunk, _version, _copy, keepsBlocks: false, cancellation).ConfigureAwait(false);
        _begun = store;
        return CopyPlan.All(ChunkLayout.BlocksOf(length));
    }

    /// <summary>Over an older copy, or what is left of one: what is right in it stays.</summary>
    private async Task<CopyPlan> BeginOverAsync(IChunkStore store, ChunkInfo info, CancellationToken cancellation)
    {
        var there = await source.DigestAsync(cancellation).ConfigureAwait(false);
        open.Close(_chunk);
        if (info.State == ChunkState.Serving)
        {
            await store.MarkLostAsync(_chunk, info.Version, FsStatus.NotFound, cancellation).ConfigureAwait(false);
        }

        await store.BeginCopyAsync(_chunk, _version, _copy, keepsBlocks: true, cancellation).ConfigureAwait(false);
        _begun = store;
        var digests = new List<BlockDigest>();
        store.Digest(_chunk, _version, digests);
        var here = digests.ToDictionary(static digest => digest.Block.Value);
        var same = digests.Where(digest => there.TryGetValue(digest.Block.Value, out var other) && other == digest)
            .Select(static digest => digest.Block).ToList();
        foreach (var damaged in Damaged(store, same, cancellation))
        {
            // Its digest is that of what should be there.
            here[damaged.Value] = default;
        }

        var plan = CopyPlan.Difference(there, here);
        foreach (var block in plan.Drop)
        {
            await store.DropBlockAsync(_chunk, _version, block, cancellation).ConfigureAwait(false);
        }

        KeptBlocks = here.Count - plan.Drop.Count;
        return plan;
    }

    /// <summary>A digest says what should be on the disk; what is kept is looked at.</summary>
    private HashSet<BlockIndex> Damaged(IChunkStore store, List<BlockIndex> blocks, CancellationToken cancellation)
    {
        var damaged = new HashSet<BlockIndex>();
        foreach (var block in blocks)
        {
            cancellation.ThrowIfCancellationRequested();
            store.Verify(_chunk, block, 1, damaged);
        }

        return damaged;
    }

    /// <summary>Several requests under way, stored in their order.</summary>
    private async Task FetchAsync(
        IChunkStore store, CopyPlan plan, CopyPieces first, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var underWay = new Queue<Task<CopyPieces>>();
        try
        {
            var next = 0;
            var come = Math.Min(CopyPlan.RunMax, ChunkLayout.BlocksOf(first.Length));
            if (plan.Fetch.Count > 0 && (plan.Fetch[0].First.Value, plan.Fetch[0].Count) == (0, come))
            {
                // Has come already.
                await StoreAsync(store, first).ConfigureAwait(false);
                next = 1;
            }

            while (next < plan.Fetch.Count || underWay.Count > 0)
            {
                while (next < plan.Fetch.Count && underWay.Count < InFlightMax)
                {
                    var (block, count) = plan.Fetch[next++];
                    await rate.TakeAsync(count * ChunkLayout.BlockBytes, stop.Token).ConfigureAwait(false);
                    underWay.Enqueue(source.ReadAsync(block, count, stop.Token));
                }

                using var pieces = await underWay.Dequeue().ConfigureAwait(false);
                FetchedBytes += pieces.Bytes;
                if (pieces.Length != first.Length)
                {
                    throw new DistFsException(
                        ErrorCatalog.ChunkVersionStale,
                        $"Chunk {_chunk} {_version} is being written on server {order.Source}.");
                }

                await StoreAsync(store, pieces).ConfigureAwait(false);
            }
        }
        catch
        {
            open.Scheduler.Cancel(stop);
            throw;
        }
        finally
        {
            foreach (var read in underWay)
            {
                await DropAsync(read).ConfigureAwait(false);
            }
        }
    }

    private async Task StoreAsync(IChunkStore store, CopyPieces pieces)
    {
        if (pieces.Bytes > 0)
        {
            // The memory is the payload's: it is not given up while the store has it.
            await store.WriteAsync(_chunk, _version, pieces.Pieces, isDurable: false, CancellationToken.None)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Its memory goes back, whether it came or not.</summary>
    private static async Task DropAsync(Task<CopyPieces> read)
    {
        try
        {
            (await read.ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is DistFsException or OperationCanceledException)
        {
            // The copy has failed of something else, and says of what.
        }
    }
}
