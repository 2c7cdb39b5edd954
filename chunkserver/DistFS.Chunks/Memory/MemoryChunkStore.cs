using System.Diagnostics.CodeAnalysis;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>
/// A store in memory, for tests and the simulator: the rules of the one over RocksDB without its disk. It has
/// no threads and no clock; its tasks are done when they are returned. Crashes, damage and a full disk are made by
/// calls.
/// </summary>
public sealed partial class MemoryChunkStore : IChunkStore
{
    private readonly Lock _gate = new();
    private readonly SortedSet<ulong> _ids = [];
    private readonly Dictionary<ulong, MemoryChunk> _chunks = [];

    /// <summary>What a crash leaves. A chunk that is in <see cref="_chunks"/> only was never durable.</summary>
    private readonly Dictionary<ulong, MemoryChunk> _durable = [];

    private StoreIdentity _identity;
    private ScrubMark _scrubMark;
    private DistFsException? _failure;
    private StoreSpace _space = new(1L << 40, 1L << 40, 0);

    /// <summary>Makes an empty store, in its first run.</summary>
    public MemoryChunkStore(StoreId store) => _identity = new StoreIdentity(store, default, default, 1, 0);

    /// <inheritdoc/>
    public event EventHandler<StoreFailedEventArgs>? Failed;

    /// <summary>The chunk that cannot be verified now, as one of which a file is not on the disk in time.</summary>
    public ChunkId? Stuck { get; set; }

    /// <inheritdoc/>
    public StoreIdentity Identity
    {
        get
        {
            lock (_gate)
            {
                return _identity;
            }
        }
    }

    /// <summary>Space of the disk: whatever it is set to.</summary>
    public StoreSpace Space
    {
        get
        {
            lock (_gate)
            {
                return _space;
            }
        }

        set
        {
            lock (_gate)
            {
                _space = value;
            }
        }
    }

    /// <inheritdoc/>
    public ScrubMark ScrubMark
    {
        get
        {
            lock (_gate)
            {
                return _scrubMark;
            }
        }
    }

    /// <inheritdoc/>
    public bool TryGet(ChunkId chunk, out ChunkInfo info)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            var isThere = _chunks.TryGetValue(chunk.Value, out var found);
            info = found?.Info ?? default;
            return isThere;
        }
    }

    /// <inheritdoc/>
    public int List(ChunkId from, Span<ChunkInfo> destination)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            var count = 0;
            if (!destination.IsEmpty)
            {
                foreach (var id in _ids.GetViewBetween(from.Value, ulong.MaxValue))
                {
                    destination[count++] = _chunks[id].Info;
                    if (count == destination.Length)
                    {
                        break;
                    }
                }
            }

            return count;
        }
    }

    /// <inheritdoc/>
    public StoredBlocks Read(ChunkId chunk, ChunkVersion version, BlockIndex first, int count)
    {
        ChunkErrors.RequireBlocks(chunk, first, count);
        lock (_gate)
        {
            ThrowIfFailed();
            var found = Find(chunk);
            if (ChunkErrors.Readable(found.Info, version) is { } refusal)
            {
                throw refusal;
            }

            var blocks = new StoredBlocks(found.Info.Length);
            for (var block = first.Value; block < first.Value + count; block++)
            {
                foreach (var piece in found.PiecesOf(block))
                {
                    blocks.Add(piece.Header, piece.Bytes, null);
                }
            }

            return blocks;
        }
    }

    /// <inheritdoc/>
    public StoredBlocks ReadSound(ChunkId chunk, ChunkVersion version, BlockIndex block)
    {
        ChunkErrors.RequireBlocks(chunk, block, 1);
        lock (_gate)
        {
            ThrowIfFailed();
            var found = Find(chunk);
            if (ChunkErrors.ReadableInPart(found.Info, version) is { } refusal)
            {
                throw refusal;
            }

            var blocks = new StoredBlocks(found.Info.Length);
            foreach (var piece in found.PiecesOf(block.Value))
            {
                blocks.Add(piece.Header, piece.Bytes, null);
            }

            return ChunkErrors.RequireSound(chunk, block, blocks);
        }
    }

    /// <inheritdoc/>
    public RangeRead ReadRange(
        ChunkId chunk, ChunkVersion version, in BlockRange range, bool isAtHand, Span<byte> destination)
    {
        ChunkErrors.RequireRange(chunk, range, destination.Length);
        try
        {
            using var blocks = Read(chunk, version, range.Block, 1);
            if (blocks.TotalBytes == 0)
            {
                return new RangeRead(RangeOutcome.Done, 0, blocks.Length);
            }

            var fault = BlockCodec.EncodeRange(
                range.Block, blocks.Pieces, range.Offset, range.Length, destination, out var written);
            return fault == PieceFault.None
                ? new RangeRead(RangeOutcome.Done, written, blocks.Length)
                : new RangeRead(isAtHand ? RangeOutcome.NotAtHand : RangeOutcome.Damaged);
        }
        catch (DistFsException) when (isAtHand)
        {
            return new RangeRead(RangeOutcome.NotAtHand);
        }
    }

    /// <inheritdoc/>
    public void Forget(ChunkId chunk, BlockIndex block) => ChunkErrors.RequireBlocks(chunk, block, 1);

    /// <inheritdoc/>
    public void DropCached(ChunkId chunk)
    {
        // It has no disk.
    }

    /// <inheritdoc/>
    public long Verify(ChunkId chunk, BlockIndex first, int count, ICollection<BlockIndex> damaged)
    {
        ArgumentNullException.ThrowIfNull(damaged);
        ChunkErrors.RequireBlocks(chunk, first, count);
        lock (_gate)
        {
            ThrowIfFailed();
            if (chunk == Stuck)
            {
                throw new DistFsException(ErrorCatalog.StoreIo, $"A file of chunk {chunk} is not on disk yet.");
            }

            var bytes = 0L;
            if (!_chunks.TryGetValue(chunk.Value, out var found))
            {
                return bytes;
            }

            for (var block = first.Value; block < first.Value + count; block++)
            {
                var pieces = found.PiecesOf(block);
                bytes += pieces.Sum(piece => piece.Bytes.Length);
                if (pieces.Any(piece => BlockCodec.Verify(piece.Bytes.Span, out _) != PieceFault.None))
                {
                    damaged.Add(new BlockIndex(block));
                }
            }

            return bytes;
        }
    }

    /// <inheritdoc/>
    public void Digest(ChunkId chunk, ChunkVersion version, ICollection<BlockDigest> digests)
    {
        ArgumentNullException.ThrowIfNull(digests);
        lock (_gate)
        {
            ThrowIfFailed();
            var found = Find(chunk);
            if (ChunkErrors.Version(found.Info, version) is { } refusal)
            {
                throw refusal;
            }

            foreach (var block in found.Blocks.Keys)
            {
                var pieces = found.PiecesOf(block);
                var checksum = pieces.Aggregate(0u, (sum, p) => BlockFolder.Digest(sum, p.Header.Checksum));
                digests.Add(new BlockDigest(new BlockIndex(block), pieces.Length, checksum));
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask TidyAsync(long nowMs, CancellationToken cancellation) => Change(static () => { }, cancellation);

    /// <summary>A clean stop: everything is durable. It goes on as the store of the next run.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            foreach (var id in _failure is null ? _ids : [])
            {
                _durable[id] = _chunks[id] = _chunks[id] with { IsUnsynced = false };
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// The machine dies and is started again: what was not durable is gone, but for the chunks of which
    /// <paramref name="keeps"/> says that their last changes had reached the disk all the same.
    /// </summary>
    public void Crash(Func<ChunkId, bool>? keeps = null)
    {
        lock (_gate)
        {
            foreach (var id in _ids.ToArray())
            {
                if (keeps?.Invoke(new ChunkId(id)) == true)
                {
                    _durable[id] = _chunks[id];
                }

                if (_durable.TryGetValue(id, out var chunk))
                {
                    _durable[id] = _chunks[id] = chunk with
                    {
                        Info = chunk.Info with { IsUnclean = chunk.Info.IsUnclean || chunk.IsUnsynced },
                        IsUnsynced = false,
                    };
                }
                else
                {
                    _chunks.Remove(id);
                    _ids.Remove(id);
                }
            }

            _failure = null;
            _identity = _identity with
            {
                Incarnation = _identity.Incarnation + 1,
                PreviousIncarnation = _identity.Incarnation,
            };
        }
    }

    /// <summary>The disk fails: the store ends, until <see cref="Crash"/>.</summary>
    public void Fail(DistFsException cause)
    {
        DistFsException failure;
        lock (_gate)
        {
            if (_failure is not null)
            {
                return;
            }

            failure = new DistFsException(ErrorCatalog.ChunkStoreFailed, "The disk in memory failed.", cause);
            _failure = failure;
        }

        Failed?.Invoke(this, new StoreFailedEventArgs(failure));
    }

    /// <summary>Flips a bit of what is stored of a block. False when nothing is.</summary>
    public bool Damage(ChunkId chunk, BlockIndex block, int bit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bit);
        lock (_gate)
        {
            if (!_chunks.TryGetValue(chunk.Value, out var found)
                || !found.Blocks.TryGetValue(block.Value, out var pieces))
            {
                return false;
            }

            // Behind the header's fields, which decide how the pieces are taken apart.
            var piece = (byte[])pieces[^1].Clone();
            var at = PieceHeader.ChecksumOffset + (bit / 8 % (piece.Length - PieceHeader.ChecksumOffset));
            piece[at] ^= (byte)(1 << (bit % 8));
            var damaged = found with
            {
                Blocks = found.Blocks.SetItem(block.Value, pieces.SetItem(pieces.Length - 1, piece)),
            };
            _chunks[chunk.Value] = damaged;
            if (_durable.ContainsKey(chunk.Value))
            {
                _durable[chunk.Value] = damaged;
            }

            return true;
        }
    }

    private MemoryChunk Find(ChunkId chunk) =>
        _chunks.TryGetValue(chunk.Value, out var found) ? found : throw ChunkErrors.Unknown(chunk);

    private void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            throw _failure;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The error goes to whoever awaits.")]
    private ValueTask Change(Action change, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellation);
        }

        try
        {
            lock (_gate)
            {
                ThrowIfFailed();
                change();
            }

            return ValueTask.CompletedTask;
        }
        catch (DistFsException refusal)
        {
            return ValueTask.FromException(refusal);
        }
    }
}
