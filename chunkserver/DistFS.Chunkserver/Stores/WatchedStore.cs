using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Stores;

/// <summary>
/// A store of the server that tells when it finds a copy to be lost, whoever asked it, and which chunks it got and has
/// no more.
/// </summary>
/// <param name="inner">The store.</param>
/// <param name="watcher">Who is told.</param>
internal sealed class WatchedStore(IChunkStore inner, IStoreWatcher watcher) : IChunkStore
{
    /// <inheritdoc/>
    public event EventHandler<StoreFailedEventArgs>? Failed
    {
        add => inner.Failed += value;
        remove => inner.Failed -= value;
    }

    /// <inheritdoc/>
    public StoreIdentity Identity => inner.Identity;

    /// <inheritdoc/>
    public StoreSpace Space => inner.Space;

    /// <inheritdoc/>
    public ScrubMark ScrubMark => inner.ScrubMark;

    /// <inheritdoc/>
    public ValueTask SetOwnerAsync(ClusterId cluster, ServerId server, CancellationToken cancellation) =>
        inner.SetOwnerAsync(cluster, server, cancellation);

    /// <inheritdoc/>
    public bool TryGet(ChunkId chunk, out ChunkInfo info) => inner.TryGet(chunk, out info);

    /// <inheritdoc/>
    public int List(ChunkId from, Span<ChunkInfo> destination) => inner.List(from, destination);

    /// <inheritdoc/>
    public async ValueTask CreateAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation)
    {
        await inner.CreateAsync(chunk, version, cancellation).ConfigureAwait(false);
        watcher.Has(this, chunk);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(
        ChunkId chunk,
        ChunkVersion version,
        VerifiedPieces pieces,
        bool isDurable,
        CancellationToken cancellation) => inner.WriteAsync(chunk, version, pieces, isDurable, cancellation);

    /// <inheritdoc/>
    public ValueTask TruncateAsync(
        ChunkId chunk, ChunkVersion version, uint length, bool isDurable, CancellationToken cancellation) =>
        inner.TruncateAsync(chunk, version, length, isDurable, cancellation);

    /// <inheritdoc/>
    public ValueTask PunchAsync(
        ChunkId chunk,
        ChunkVersion version,
        uint offset,
        uint length,
        bool isDurable,
        CancellationToken cancellation) =>
        inner.PunchAsync(chunk, version, offset, length, isDurable, cancellation);

    /// <inheritdoc/>
    public ValueTask SyncAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        inner.SyncAsync(chunk, version, cancellation);

    /// <inheritdoc/>
    public ValueTask SealAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        inner.SealAsync(chunk, version, cancellation);

    /// <inheritdoc/>
    public async ValueTask BeginVersionsAsync(
        ReadOnlyMemory<VersionFence> fences, Memory<FenceOutcome> outcomes, CancellationToken cancellation)
    {
        var wereLost = new HashSet<ChunkId>();
        foreach (var fence in fences.Span)
        {
            if (inner.TryGet(fence.Chunk, out var before) && before.State == ChunkState.Lost)
            {
                wereLost.Add(fence.Chunk);
            }
        }

        await inner.BeginVersionsAsync(fences, outcomes, cancellation).ConfigureAwait(false);
        for (var i = 0; i < fences.Length; i++)
        {
            var chunk = fences.Span[i].Chunk;
            watcher.Has(this, chunk);
            watcher.VersionBegun(chunk, fences.Span[i].Version);
            if (outcomes.Span[i] == FenceOutcome.Lost)
            {
                TellIfLost(chunk, wereLost.Contains(chunk));
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask BeginCopyAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, bool keepsBlocks, CancellationToken cancellation)
    {
        await inner.BeginCopyAsync(chunk, version, copy, keepsBlocks, cancellation).ConfigureAwait(false);
        watcher.Has(this, chunk);
    }

    /// <inheritdoc/>
    public ValueTask CompleteAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, uint length, CancellationToken cancellation) =>
        inner.CompleteAsync(chunk, version, copy, length, cancellation);

    /// <inheritdoc/>
    public ValueTask DropBlockAsync(
        ChunkId chunk, ChunkVersion version, BlockIndex block, CancellationToken cancellation) =>
        inner.DropBlockAsync(chunk, version, block, cancellation);

    /// <inheritdoc/>
    public ValueTask ReplaceBlocksAsync(
        ChunkId chunk,
        ChunkVersion version,
        IReadOnlyList<BlockIndex> blocks,
        VerifiedPieces pieces,
        bool isWhole,
        CancellationToken cancellation) =>
        inner.ReplaceBlocksAsync(chunk, version, blocks, pieces, isWhole, cancellation);

    /// <inheritdoc/>
    public async ValueTask MarkLostAsync(
        ChunkId chunk, ChunkVersion version, FsStatus status, CancellationToken cancellation)
    {
        await inner.MarkLostAsync(chunk, version, status, cancellation).ConfigureAwait(false);
        if (status != FsStatus.NotFound)
        {
            // Else whoever gives it up does so for a better copy, and nothing was found.
            TellIfLost(chunk);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(ReadOnlyMemory<ChunkDeletion> orders, CancellationToken cancellation)
    {
        await inner.DeleteAsync(orders, cancellation).ConfigureAwait(false);
        for (var i = 0; i < orders.Length; i++)
        {
            if (!inner.TryGet(orders.Span[i].Chunk, out _))
            {
                watcher.HasNot(this, orders.Span[i].Chunk);
            }
        }
    }

    /// <inheritdoc/>
    public StoredBlocks Read(ChunkId chunk, ChunkVersion version, BlockIndex first, int count) =>
        Read(chunk, version, first, count, isUnchecked: false);

    /// <inheritdoc/>
    public StoredBlocks ReadUnchecked(ChunkId chunk, ChunkVersion version, BlockIndex first, int count) =>
        Read(chunk, version, first, count, isUnchecked: true);

    private StoredBlocks Read(ChunkId chunk, ChunkVersion version, BlockIndex first, int count, bool isUnchecked)
    {
        try
        {
            return isUnchecked
                ? inner.ReadUnchecked(chunk, version, first, count)
                : inner.Read(chunk, version, first, count);
        }
        catch (DistFsException e) when (e.Code == ErrorCatalog.ChunkLost)
        {
            TellIfLost(chunk);
            throw;
        }
    }

    /// <inheritdoc/>
    public RangeRead ReadRange(
        ChunkId chunk, ChunkVersion version, in BlockRange range, bool isAtHand, Span<byte> destination)
    {
        try
        {
            return inner.ReadRange(chunk, version, range, isAtHand, destination);
        }
        catch (DistFsException e) when (e.Code == ErrorCatalog.ChunkLost)
        {
            TellIfLost(chunk);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Forget(ChunkId chunk, BlockIndex block) => inner.Forget(chunk, block);

    /// <inheritdoc/>
    public StoredBlocks ReadSound(ChunkId chunk, ChunkVersion version, BlockIndex block) =>
        inner.ReadSound(chunk, version, block);

    /// <inheritdoc/>
    public void DropCached(ChunkId chunk) => inner.DropCached(chunk);

    /// <inheritdoc/>
    public long Verify(ChunkId chunk, BlockIndex first, int count, ICollection<BlockIndex> damaged) =>
        inner.Verify(chunk, first, count, damaged);

    /// <inheritdoc/>
    public void Digest(ChunkId chunk, ChunkVersion version, ICollection<BlockDigest> digests) =>
        inner.Digest(chunk, version, digests);

    /// <inheritdoc/>
    public ValueTask TidyAsync(long nowMs, CancellationToken cancellation) => inner.TidyAsync(nowMs, cancellation);

    /// <inheritdoc/>
    public ValueTask SetScrubMarkAsync(ScrubMark mark, CancellationToken cancellation) =>
        inner.SetScrubMarkAsync(mark, cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private void TellIfLost(ChunkId chunk, bool wasLost = false)
    {
        if (inner.TryGet(chunk, out var info) && info.State == ChunkState.Lost)
        {
            watcher.Lost(info, wasLost);
        }
    }
}

/// <summary>Who is told what stores find. Any thread; must not wait.</summary>
internal interface IStoreWatcher
{
    /// <summary>A store has a chunk, in any state.</summary>
    void Has(IChunkStore store, ChunkId chunk);

    /// <summary>A store has a chunk no more.</summary>
    void HasNot(IChunkStore store, ChunkId chunk);

    /// <summary>A chunk came to a version.</summary>
    void VersionBegun(ChunkId chunk, ChunkVersion version);

    /// <summary>A copy is lost; told whenever it is found to be.</summary>
    /// <param name="info">The copy.</param>
    /// <param name="wasLost">In an earlier version it was, too, and came to this one so.</param>
    void Lost(ChunkInfo info, bool wasLost);
}
