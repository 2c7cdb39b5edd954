using System.Buffers;
using DistFS.Native.RocksDb;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <content>What is done now and then.</content>
public sealed partial class RocksChunkStore
{
    /// <summary>Chunks with many small writes. The lane's.</summary>
    private readonly HashSet<ChunkEntry> _grown = [];

    /// <summary>Chunks that were written to without a sync, and some that were synced since. The lane's.</summary>
    private readonly HashSet<ChunkEntry> _unsynced = [];

    /// <inheritdoc/>
    public async ValueTask TidyAsync(long nowMs, CancellationToken cancellation)
    {
        Volatile.Write(ref _nowMs, nowMs);
        var worthy = new List<ChunkEntry>();
        await Change((group, request) =>
        {
            _unsynced.RemoveWhere(static entry => entry.Next is not { IsUnsynced: true });
            foreach (var entry in _parts.Entries.Concat(_unsynced).Where(entry => IsIdle(entry, nowMs)).ToArray())
            {
                if (entry.Next is { Tail: not null } or { IsUnsynced: true })
                {
                    _editor.MakeDurable(group, entry, request);
                }
            }

            worthy.AddRange(_grown.Where(entry => IsIdle(entry, nowMs)));
            _grown.ExceptWith(worthy);
            _chunks.Trim();
        }, cancellation).ConfigureAwait(false);
        if (!Space.IsFull)
        {
            _folder.RestoreBallast(_options.BallastBytes);
        }

        foreach (var entry in worthy)
        {
            if (entry.Current is { } content && IsWorthRewriting(content))
            {
                await RewriteAsync(entry, content, cancellation).ConfigureAwait(false);
            }
        }
    }

    private bool IsIdle(ChunkEntry entry, long nowMs) => nowMs - entry.WrittenMs >= _options.IdleMs;

    /// <summary>
    /// Over a quarter of its bytes lie in small writes. Blocks of parts are taken for half as long as they may be.
    /// </summary>
    private bool IsWorthRewriting(ChunkContent content) =>
        content.Info.State == ChunkState.Serving
        && content.Open.IsEmpty
        && content.OverlayBytes >= _options.RewriteBytesMin
        && content.OverlayBytes * 3 >= content.Parts.Sum(range => (long)range.Count) * (ChunkLayout.BlockBytes / 2);

    /// <summary>
    /// Writes a chunk anew, as one part, beside the lane. Only if nothing of it was changed meanwhile does the row name
    /// the new part; else it is dropped, and the chunk's turn comes again.
    /// </summary>
    private async Task RewriteAsync(ChunkEntry entry, ChunkContent content, CancellationToken cancellation)
    {
        var written = new TaskCompletionSource<(ulong Part, List<PartRange> Ranges)?>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        var isTaken = _background.Add(() =>
        {
            try
            {
                written.TrySetResult(WriteAnew(content));
            }
            catch (StoreFullException)
            {
                written.TrySetResult(null); // The chunk stays as it is.
            }
            catch (Exception failure)
            {
                FailFrom(failure);
                written.TrySetException(Volatile.Read(ref _failure)!);
            }
        });
        if (!isTaken)
        {
            return;
        }

        if (await written.Task.WaitAsync(cancellation).ConfigureAwait(false) is not { } anew)
        {
            return;
        }

        await Change((group, _) => Switch(group, entry, content, anew.Part, anew.Ranges), cancellation)
            .ConfigureAwait(false);
    }

    private void Switch(
        LaneGroup group, ChunkEntry entry, ChunkContent content, ulong part, List<PartRange> ranges)
    {
        if (!ReferenceEquals(entry.Next, content) || _chunks.Peek(entry.Chunk) != entry)
        {
            _ = _background.Add(() => DropPart(content.Info.Chunk, part));
            if (entry.Next is not null)
            {
                _grown.Add(entry);
            }

            return;
        }

        _editor.RemoveBlocks(group, entry, 0, ChunkLayout.BlocksMax);
        entry.Next = entry.Next! with { Parts = [.. ranges] };
        entry.IsRowDirty = true;
        group.NeedsSync = true;
        _metrics.Count("rewrite");
    }

    /// <summary>Writes all blocks into a new part and ingests it. Null when one of them cannot be read.</summary>
    private (ulong Part, List<PartRange> Ranges)? WriteAnew(ChunkContent content)
    {
        var chunk = content.Info.Chunk;
        var part = _parts.NextNumber();
        var path = Path.Combine(_parts.Staging, $"{part:x16}.sst");
        var ranges = new List<PartRange>();
        var summary = new PartSummary();
        var folded = ArrayPool<byte>.Shared.Rent(BlockCodec.PieceBytesMax);
        var key = new byte[StoreKeys.BlockBytes];
        try
        {
            using (var writer = new SstFileWriter(StoreEngine.BlockOptions))
            {
                writer.Open(path);
                for (var block = 0u; block < ChunkLayout.BlocksMax; block++)
                {
                    if (!content.Has(block))
                    {
                        continue;
                    }

                    if (!TryFold(content, block, folded, out var piece))
                    {
                        writer.Dispose();
                        File.Delete(path);
                        return null;
                    }

                    if (piece.IsEmpty)
                    {
                        continue;
                    }

                    writer.Put(StoreKeys.Block(key, chunk, part, block), piece);
                    Check.That(PieceHeader.Read(piece, out var header) == PieceFault.None);
                    summary.Add(block, header.Checksum);
                    if (ranges.Count > 0 && ranges[^1].End == block)
                    {
                        ranges[^1] = ranges[^1] with { Count = ranges[^1].Count + 1 };
                    }
                    else
                    {
                        ranges.Add(new PartRange(part, block, 1));
                    }
                }

                writer.Put(StoreKeys.Block(key, chunk, part, StoreKeys.Summary), summary.Encode());
                writer.Finish();
            }

            _engine.Ingest(path);
            Failpoints.Pass("chunks.rewritten");
            return (part, ranges);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(folded);
        }
    }

    /// <summary>One piece for a block: as its client wrote it, or put together.</summary>
    private bool TryFold(ChunkContent content, uint block, byte[] folded, out ReadOnlySpan<byte> piece)
    {
        piece = default;
        using var blocks = new StoredBlocks(content.Info.Length);
        if (BlockReader.Read(_engine, content, block, blocks, out _) != ReadOutcome.Done)
        {
            return false; // Changed meanwhile, or damaged: the reader or the scrubber finds out.
        }

        var written = 0;
        if (blocks.Pieces is [{ Header.Kind: PieceKind.Block } only])
        {
            if (BlockCodec.Verify(only.Bytes.Span, out _) != PieceFault.None)
            {
                return false;
            }

            only.Bytes.Span.CopyTo(folded);
            written = only.Bytes.Length;
        }
        else if (BlockFolder.Fold(new BlockIndex(block), blocks.Pieces, folded, out written) != PieceFault.None)
        {
            return false;
        }

        piece = folded.AsSpan(0, written);
        return true;
    }
}
