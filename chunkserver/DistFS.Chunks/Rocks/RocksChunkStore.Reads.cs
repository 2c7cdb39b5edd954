using DistFS.Primitives;

namespace DistFS.Chunks;

/// <content>Reads: in the caller's thread, without a lock.</content>
public sealed partial class RocksChunkStore
{
    /// <summary>How long a reader waits for a part to be ended.</summary>
    private const int PartSeconds = 30;

    /// <inheritdoc/>
    public bool TryGet(ChunkId chunk, out ChunkInfo info)
    {
        ThrowIfFailed();
        var content = FindEntry(chunk)?.Current;
        info = content?.Info ?? default;
        return content is not null;
    }

    /// <inheritdoc/>
    public int List(ChunkId from, Span<ChunkInfo> destination)
    {
        ThrowIfFailed();
        var (count, next) = (0, from);
        while (count < destination.Length)
        {
            var limit = destination.Length - count;
            var rows = Guard(() => _engine.Rows(next).Take(limit).ToArray());
            foreach (var row in rows)
            {
                // What is in memory is newer: bytes that are not durable yet, for instance.
                var entry = _chunks.Peek(row.Info.Chunk);
                if (entry is null || entry.Current is not null)
                {
                    destination[count++] = entry?.Current?.Info ?? row.Info;
                }
            }

            if (rows.Length < limit || rows[^1].Info.Chunk.Value == ulong.MaxValue)
            {
                break;
            }

            next = new ChunkId(rows[^1].Info.Chunk.Value + 1);
        }

        return count;
    }

    /// <inheritdoc/>
    public StoredBlocks Read(ChunkId chunk, ChunkVersion version, BlockIndex first, int count) =>
        Read(chunk, version, first, count, isDirect: false);

    /// <inheritdoc/>
    public StoredBlocks ReadUnchecked(ChunkId chunk, ChunkVersion version, BlockIndex first, int count) =>
        Read(chunk, version, first, count, isDirect: true);

    private StoredBlocks Read(ChunkId chunk, ChunkVersion version, BlockIndex first, int count, bool isDirect)
    {
        ChunkErrors.RequireBlocks(chunk, first, count);
        for (var start = Environment.TickCount64; ;)
        {
            ThrowIfFailed();
            var entry = FindEntry(chunk);
            var stamp = entry?.Stamp ?? 0;
            var content = entry?.Current ?? throw ChunkErrors.Unknown(chunk);
            if (ChunkErrors.Readable(content.Info, version) is { } refusal)
            {
                throw refusal;
            }

            var blocks = new StoredBlocks(content.Info.Length);
            var (outcome, open) = TryRead(entry, content, first, count, isDirect, blocks);
            if (outcome == ReadOutcome.Done)
            {
                _metrics.Read(blocks.TotalBytes);
                return blocks;
            }

            blocks.Dispose();
            BeforeNext(outcome, open, entry, stamp, content, start);
        }
    }

    /// <inheritdoc/>
    public StoredBlocks ReadSound(ChunkId chunk, ChunkVersion version, BlockIndex block)
    {
        ChunkErrors.RequireBlocks(chunk, block, 1);
        for (var start = Environment.TickCount64; ;)
        {
            ThrowIfFailed();
            var entry = FindEntry(chunk);
            var stamp = entry?.Stamp ?? 0;
            var content = entry?.Current ?? throw ChunkErrors.Unknown(chunk);
            if (ChunkErrors.ReadableInPart(content.Info, version) is { } refusal)
            {
                throw refusal;
            }

            var blocks = new StoredBlocks(content.Info.Length);
            var outcome = TryRead(content, block.Value, blocks, out var open);
            if (outcome == ReadOutcome.Done)
            {
                return ChunkErrors.RequireSound(chunk, block, blocks);
            }

            blocks.Dispose();
            if (outcome == ReadOutcome.Open)
            {
                EndAndWait(chunk, open!);
            }
            else if (IsDamage(entry, stamp, content, start))
            {
                throw ChunkErrors.Block(chunk, block, PieceFault.Checksum);
            }
        }
    }

    /// <inheritdoc/>
    public void DropCached(ChunkId chunk)
    {
        ThrowIfFailed();
        foreach (var part in FindEntry(chunk)?.Current?.Parts.Select(static range => range.Part).Distinct() ?? [])
        {
            _partFiles.DropCached(part);
        }
    }

    /// <inheritdoc/>
    public long Verify(ChunkId chunk, BlockIndex first, int count, ICollection<BlockIndex> damaged)
    {
        ArgumentNullException.ThrowIfNull(damaged);
        ChunkErrors.RequireBlocks(chunk, first, count);
        var bytes = 0L;
        for (var block = first.Value; block < Math.Min(first.Value + count, ChunkLayout.BlocksMax); block++)
        {
            if (!VerifyBlock(chunk, block, ref bytes))
            {
                damaged.Add(new BlockIndex(block));
            }
        }

        return bytes;
    }

    /// <inheritdoc/>
    public void Digest(ChunkId chunk, ChunkVersion version, ICollection<BlockDigest> digests)
    {
        ArgumentNullException.ThrowIfNull(digests);
        ThrowIfFailed();
        var content = FindEntry(chunk)?.Current ?? throw ChunkErrors.Unknown(chunk);
        if (ChunkErrors.Version(content.Info, version) is { } refusal)
        {
            throw refusal;
        }

        using var summaries = new SummaryReader(_engine, chunk);
        for (var block = 0u; block < ChunkLayout.BlocksMax; block++)
        {
            var (pieces, checksum) = (0, 0u);
            var overlay = content.OverlayOf(block);
            if (content.HasBase(block) && (overlay.IsEmpty || !overlay[0].Header.CoversBlock))
            {
                if (summaries.ChecksumOf(content, block) is not { } found)
                {
                    continue; // Not known: whoever compares takes the block from elsewhere.
                }

                (pieces, checksum) = (1, BlockFolder.Digest(0, found));
            }

            foreach (var piece in overlay)
            {
                (pieces, checksum) = (pieces + 1, BlockFolder.Digest(checksum, piece.Header.Checksum));
            }

            if (pieces > 0)
            {
                digests.Add(new BlockDigest(new BlockIndex(block), pieces, checksum));
            }
        }
    }

    private (ReadOutcome Outcome, OpenPart? Open) TryRead(
        ChunkEntry entry, ChunkContent content, BlockIndex first, int count, bool isDirect, StoredBlocks blocks)
    {
        var end = Math.Min(first.Value + (uint)count, (uint)ChunkLayout.BlocksOf(content.Info.Length));
        for (var block = first.Value; block < end; block++)
        {
            if (isDirect && ReadDirect(entry, content, block, end, blocks) is > 0 and var read)
            {
                block += (uint)read - 1;
                continue;
            }

            var outcome = TryRead(content, block, blocks, out var open);
            if (outcome != ReadOutcome.Done)
            {
                return (outcome, open);
            }
        }

        return (ReadOutcome.Done, null);
    }

    private ReadOutcome TryRead(ChunkContent content, uint block, StoredBlocks blocks, out OpenPart? open)
    {
        try
        {
            return BlockReader.Read(_engine, content, block, blocks, out open);
        }
        catch
        {
            blocks.Dispose();
            ThrowIfFailed();
            throw;
        }
    }

    /// <summary>
    /// Whether nothing has changed since a plan was made whose pieces are not there: then it is the disk.
    /// </summary>
    private bool IsDamage(ChunkEntry entry, int stamp, ChunkContent content, long start)
    {
        if (entry.Stamp == stamp && stamp % 2 == 0)
        {
            return ReferenceEquals(FindEntry(entry.Chunk)?.Current, content);
        }

        if (Environment.TickCount64 - start > PartSeconds * 1000)
        {
            throw new DistFsException(
                ErrorCatalog.StoreIo, $"A change of chunk {entry.Chunk} was not on disk within {PartSeconds} s.");
        }

        Thread.Yield();
        return false;
    }

    /// <summary>A read that was not done is to be tried again, as soon as that makes sense.</summary>
    /// <exception cref="DistFsException">It does not: the chunk is damaged.</exception>
    private void BeforeNext(
        ReadOutcome outcome, OpenPart? open, ChunkEntry entry, int stamp, ChunkContent content, long start)
    {
        if (outcome == ReadOutcome.Open)
        {
            EndAndWait(entry.Chunk, open!);
        }
        else if (IsDamage(entry, stamp, content, start))
        {
            var status = outcome == ReadOutcome.Unreadable ? FsStatus.IoError : FsStatus.Corrupt;
            LoseInBackground(content.Info, status);
            throw ChunkErrors.Lost(content.Info with { LostStatus = status });
        }
    }

    private bool VerifyBlock(ChunkId chunk, uint block, ref long bytes)
    {
        for (var start = Environment.TickCount64; ;)
        {
            ThrowIfFailed();
            var entry = FindEntry(chunk);
            var stamp = entry?.Stamp ?? 0;
            if (entry?.Current is not { } content)
            {
                return true;
            }

            using var blocks = new StoredBlocks(content.Info.Length);
            var outcome = TryRead(content, block, blocks, out var open);
            if (outcome == ReadOutcome.Done)
            {
                bytes += blocks.TotalBytes;
                return blocks.Verify(out _) == PieceFault.None;
            }

            if (outcome == ReadOutcome.Open)
            {
                EndAndWait(chunk, open!);
            }
            else if (IsDamage(entry, stamp, content, start))
            {
                return false;
            }
        }
    }

    /// <summary>A reader wants a block of a file that is still written: it is ended, and the reader waits.</summary>
    private void EndAndWait(ChunkId chunk, OpenPart part)
    {
        _ = _lane.Submit(new ActionRequest((group, _) =>
        {
            if (_chunks.Find(chunk) is { Next.Tail: { } tail } entry && tail == part)
            {
                _editor.CloseTail(group, entry);
            }
        }));
        for (var seconds = 0; !part.WaitUntilEnded(TimeSpan.FromSeconds(1)); seconds++)
        {
            ThrowIfFailed();
            if (seconds >= PartSeconds)
            {
                throw new DistFsException(
                    ErrorCatalog.StoreIo, $"A file of chunk {chunk} was not on disk within {PartSeconds} s.");
            }
        }
    }

    private void LoseInBackground(ChunkInfo info, FsStatus status) => _ = _lane.Submit(new ActionRequest((group, _) =>
    {
        if (_chunks.Find(info.Chunk) is { Next: { } next } entry && next.Info.Version == info.Version
            && next.Info.State != ChunkState.Lost)
        {
            _editor.Lose(group, entry, status);
        }
    }));

    /// <summary>
    /// A chunk in memory or on disk. A row that cannot be read ends the store: what it has is not known then.
    /// </summary>
    private ChunkEntry? FindEntry(ChunkId chunk) => Guard(() => _chunks.Find(chunk));

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (ObjectDisposedException)
        {
            ThrowIfFailed();
            throw;
        }
        catch (DistFsException failure)
        {
            Fail(failure);
            throw Volatile.Read(ref _failure)!;
        }
    }
}
