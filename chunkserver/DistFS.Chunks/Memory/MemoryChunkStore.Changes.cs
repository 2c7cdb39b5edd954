using DistFS.Primitives;

namespace DistFS.Chunks;

/// <content>Changes.</content>
public sealed partial class MemoryChunkStore
{
    /// <inheritdoc/>
    public ValueTask SetOwnerAsync(ClusterId cluster, ServerId server, CancellationToken cancellation) =>
        Change(() =>
        {
            var isKnown = _identity.Cluster != default || _identity.Server != default;
            if (isKnown && (_identity.Cluster != cluster || _identity.Server != server))
            {
                throw new DistFsException(
                    ErrorCatalog.ChunkStoreForeign,
                    $"The store is of {_identity.Server} in cluster {_identity.Cluster}.");
            }

            _identity = _identity with { Cluster = cluster, Server = server };
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask CreateAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change(() =>
        {
            if (!_chunks.TryGetValue(chunk.Value, out var found))
            {
                RequireRoom();
                var info = new ChunkInfo(chunk, version, 0, default, ChunkState.Serving, default, false);
                Set(new MemoryChunk(info), false);
                return;
            }

            if (version.Value < found.Info.Version.Value)
            {
                throw ChunkErrors.Version(found.Info, version)!;
            }

            if (found.Info.State == ChunkState.Lost && version == found.Info.Version)
            {
                throw ChunkErrors.Lost(found.Info);
            }

            if (version != found.Info.Version || found.Info.State != ChunkState.Serving || found.Info.Copy.Value != 0)
            {
                throw ChunkErrors.Exists(found.Info);
            }
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask WriteAsync(
        ChunkId chunk,
        ChunkVersion version,
        VerifiedPieces pieces,
        bool isDurable,
        CancellationToken cancellation) =>
        Change(() =>
        {
            ChunkErrors.RequireOrder(chunk, pieces.Span);
            var found = FindWritable(chunk, version);
            RequireRoom();
            Set(found.With(pieces.Span), isDurable);
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask TruncateAsync(
        ChunkId chunk, ChunkVersion version, uint length, bool isDurable, CancellationToken cancellation) =>
        Change(() =>
        {
            ChunkErrors.RequireLength(chunk, length);
            Set(FindWritable(chunk, version).WithLength(length), isDurable);
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask PunchAsync(
        ChunkId chunk,
        ChunkVersion version,
        uint offset,
        uint length,
        bool isDurable,
        CancellationToken cancellation) =>
        Change(() =>
        {
            ChunkErrors.RequireLength(chunk, (ulong)offset + length);
            Set(FindWritable(chunk, version).WithZeros(offset, (ulong)offset + length), isDurable);
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask SyncAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change(() => Set(FindSound(chunk, version), true), cancellation);

    /// <inheritdoc/>
    public ValueTask SealAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change(() =>
        {
            var found = FindSound(chunk, version);
            Set(found with { Info = found.Info with { IsSealed = true } }, true);
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask BeginVersionsAsync(
        ReadOnlyMemory<VersionFence> fences, Memory<FenceOutcome> outcomes, CancellationToken cancellation) =>
        Change(() =>
        {
            ChunkErrors.RequireOrders(fences.Length);
            foreach (var fence in fences.Span)
            {
                ChunkErrors.RequireLength(fence.Chunk, fence.Length);
            }

            for (var i = 0; i < fences.Length; i++)
            {
                var fence = fences.Span[i];
                var found = _chunks.GetValueOrDefault(fence.Chunk.Value);
                outcomes.Span[i] = FenceRule.Apply(fence, found?.Info, out var info);
                if (outcomes.Span[i] != FenceOutcome.Later)
                {
                    var chunk = found ?? new MemoryChunk(info);
                    var cut = info.Length != chunk.Info.Length ? chunk.WithLength(info.Length) : chunk;
                    Set(cut with { Info = info }, true);
                }
            }
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask BeginCopyAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, bool keepsBlocks, CancellationToken cancellation) =>
        Change(() =>
        {
            var info = new ChunkInfo(chunk, version, 0, copy, ChunkState.Copying, default, false);
            if (!_chunks.TryGetValue(chunk.Value, out var found))
            {
                RequireRoom();
                Set(new MemoryChunk(info), true);
                return;
            }

            if (ChunkErrors.Copyable(found.Info, version, copy) is { } refusal)
            {
                throw refusal;
            }

            var isSame = found.Info.State == ChunkState.Copying && found.Info.Copy == copy;
            var isKept = keepsBlocks || isSame;
            Set(new MemoryChunk(
                info with { Length = isKept ? found.Info.Length : 0 },
                isKept ? found.Blocks : MemoryChunk.NoBlocks), true);
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask CompleteAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, uint length, CancellationToken cancellation) =>
        Change(() =>
        {
            ChunkErrors.RequireLength(chunk, length);
            var found = FindSound(chunk, version);
            if (found.Info.Copy != copy)
            {
                throw ChunkErrors.Exists(found.Info);
            }

            if (found.Info.State == ChunkState.Copying)
            {
                var whole = found.WithLength(length);
                Set(whole with { Info = whole.Info with { State = ChunkState.Serving } }, true);
            }
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask DropBlockAsync(
        ChunkId chunk, ChunkVersion version, BlockIndex block, CancellationToken cancellation) =>
        Change(() =>
        {
            ChunkErrors.RequireBlocks(chunk, block, 1);
            var found = FindWritable(chunk, version);
            if (found.Info.State != ChunkState.Copying)
            {
                throw ChunkErrors.Exists(found.Info);
            }

            Set(found with { Blocks = found.Blocks.Remove(block.Value) }, false);
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask ReplaceBlocksAsync(
        ChunkId chunk,
        ChunkVersion version,
        IReadOnlyList<BlockIndex> blocks,
        VerifiedPieces pieces,
        bool isWhole,
        CancellationToken cancellation) =>
        Change(() =>
        {
            ArgumentNullException.ThrowIfNull(blocks);
            ChunkErrors.RequireReplacement(chunk, blocks, pieces.Span);
            var found = Find(chunk);
            if (ChunkErrors.Replaceable(found.Info, version) is { } refusal)
            {
                throw refusal;
            }

            RequireRoom();
            var kept = found with { Blocks = found.Blocks.RemoveRange(blocks.Select(static block => block.Value)) };
            var info = isWhole
                ? found.Info with { State = ChunkState.Serving, LostStatus = FsStatus.Ok, IsSealed = true }
                : found.Info;
            Set(kept.With(pieces.Span) with { Info = info }, true);
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask MarkLostAsync(
        ChunkId chunk, ChunkVersion version, FsStatus status, CancellationToken cancellation) =>
        Change(() =>
        {
            if (_chunks.TryGetValue(chunk.Value, out var found) && found.Info.Version == version
                && found.Info.State != ChunkState.Lost)
            {
                Set(found with { Info = found.Info with { State = ChunkState.Lost, LostStatus = status } }, true);
            }
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask DeleteAsync(ReadOnlyMemory<ChunkDeletion> orders, CancellationToken cancellation) =>
        Change(() =>
        {
            ChunkErrors.RequireOrders(orders.Length);
            foreach (var order in orders.Span)
            {
                if (_chunks.TryGetValue(order.Chunk.Value, out var found)
                    && order.IsAbout(found.Info.Version, found.Info.Copy))
                {
                    _chunks.Remove(order.Chunk.Value);
                    _durable.Remove(order.Chunk.Value);
                    _ids.Remove(order.Chunk.Value);
                }
            }
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask SetScrubMarkAsync(ScrubMark mark, CancellationToken cancellation) =>
        Change(() => _scrubMark = mark, cancellation);

    private MemoryChunk FindWritable(ChunkId chunk, ChunkVersion version)
    {
        var found = Find(chunk);
        return ChunkErrors.Writable(found.Info, version) is { } refusal ? throw refusal : found;
    }

    /// <summary>In its version and not lost.</summary>
    private MemoryChunk FindSound(ChunkId chunk, ChunkVersion version)
    {
        var found = Find(chunk);
        return ChunkErrors.Writable(found.Info with { IsSealed = false }, version) is { } refusal
            ? throw refusal
            : found;
    }

    private void RequireRoom()
    {
        if (_space.IsFull)
        {
            throw new DistFsException(ErrorCatalog.ChunkStoreFull, "The store in memory is full.");
        }
    }

    private void Set(MemoryChunk chunk, bool isDurable)
    {
        var id = chunk.Info.Chunk.Value;
        chunk = chunk with { IsUnsynced = !isDurable && chunk.Info is { State: ChunkState.Serving, IsUnclean: false } };
        _ids.Add(id);
        _chunks[id] = chunk;
        if (isDurable)
        {
            _durable[id] = chunk;
        }
        else if (chunk.IsUnsynced && _durable.TryGetValue(id, out var durable)
            && !Teeth.Has(PlantedBug.UncleanNotMarked))
        {
            // That it is so is durable before anybody is told of the write.
            _durable[id] = durable with { IsUnsynced = true };
        }
    }
}
