using System.Collections.Immutable;
using DistFS.Native.RocksDb;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>Changes the content of chunks. The lane's.</summary>
/// <param name="parts">The parts that are written to.</param>
/// <param name="partBytesMin">Bytes from which on blocks in order go into a file.</param>
/// <param name="endPart">Ends a part, in another thread.</param>
/// <param name="drop">Drops the file of a part, in another thread.</param>
/// <param name="metrics">What is measured.</param>
internal sealed partial class ChunkEditor(
    PartKeeper parts,
    int partBytesMin,
    Func<OpenPart, bool> endPart,
    Func<ChunkId, ulong, bool> drop,
    StoreMetrics metrics)
{
    /// <summary>Writes pieces over what there is, which all are right.</summary>
    public void Write(LaneGroup group, ChunkEntry entry, ReadOnlyMemory<byte> pieces, bool isDurable)
    {
        group.Touch(entry);

        // What is to be durable at once, and is too little for a file, goes to the log of the engine directly.
        var isSmall = isDurable && pieces.Length < partBytesMin
            && (entry.Next!.Tail is not { } tail || (tail.IsBuffered && tail.Bytes + pieces.Length < partBytesMin));
        if (isSmall)
        {
            CloseTail(group, entry);
        }

        var at = 0;
        var reader = new PieceReader(pieces.Span);
        while (reader.Next(out var header, out var piece))
        {
            if (isSmall || !TryAppend(group, entry, header, piece))
            {
                PutOverlay(group, entry, header, pieces.Slice(at, piece.Length));
            }

            at += piece.Length;
            if (header.Kind != PieceKind.Zeros && header.End > entry.Next!.Info.Length)
            {
                entry.Next = entry.Next with { Info = entry.Next.Info with { Length = header.End } };
            }
        }

        Check.That(reader.Fault == PieceFault.None);
    }

    /// <summary>
    /// Ends the part that is written to: what is in memory only goes to the overlay, a file to who ends it.
    /// </summary>
    public void CloseTail(LaneGroup group, ChunkEntry entry)
    {
        if (entry.Next!.Tail is not { } tail)
        {
            return;
        }

        group.Touch(entry);
        var content = entry.Next;
        if (!tail.IsBuffered)
        {
            entry.Next = content with { Tail = null };
            group.AfterCommit.Add(() => HandOver(tail));
            metrics.Count("part");
            return;
        }

        var range = content.Open[^1];
        entry.Next = content with { Tail = null, Open = content.Open.RemoveAt(content.Open.Length - 1) };
        for (var block = range.First; block < range.First + range.Count; block++)
        {
            var piece = tail.Buffered(block)!;
            Check.That(PieceHeader.Read(piece, out var header) == PieceFault.None);
            if (entry.Next.OverlayOf(block) is [{ Header.CoversBlock: true }, ..])
            {
                continue; // Written anew since.
            }

            PutBelow(group, entry, header, piece);
        }

        // Whoever waits for it waits no more.
        group.AfterCommit.Add(() => Complete(tail.End()));
    }

    /// <summary>Has a request wait until everything of a chunk is durable.</summary>
    public void MakeDurable(LaneGroup group, ChunkEntry entry, LaneRequest request)
    {
        CloseTail(group, entry);
        group.Touch(entry);
        entry.IsRowDirty = true;
        group.NeedsSync = true;
        entry.Next = entry.Next!.Synced();
        foreach (var part in entry.Next.Open.Select(range => range.Part).Distinct())
        {
            request.PartsLeft++;
            part.Await(request);
        }
    }

    /// <summary>Gives a chunk a length.</summary>
    public void SetLength(LaneGroup group, ChunkEntry entry, uint length)
    {
        CloseTail(group, entry);
        group.Touch(entry);
        if (length < entry.Next!.Info.Length)
        {
            PutZeros(group, entry, length, ChunkLayout.ChunkBytes);
        }

        entry.Next = entry.Next! with { Info = entry.Next.Info with { Length = length }, DurableLength = length };
        entry.IsRowDirty = true;
    }

    /// <summary>Replaces bytes by zeros; the length stays.</summary>
    public void Punch(LaneGroup group, ChunkEntry entry, uint offset, uint length)
    {
        CloseTail(group, entry);
        group.Touch(entry);
        PutZeros(group, entry, offset, (ulong)offset + length);
    }

    /// <summary>Removes everything of some blocks.</summary>
    public void RemoveBlocks(LaneGroup group, ChunkEntry entry, uint from, uint to)
    {
        if (from >= to)
        {
            return;
        }

        CloseTail(group, entry);
        group.Touch(entry);
        var before = entry.Next!;
        var overlay = before.Overlay.ToBuilder();
        var bytes = before.OverlayBytes;
        foreach (var (block, pieces) in before.Overlay)
        {
            if (block >= from && block < to)
            {
                bytes -= DeletePieces(group, entry.Chunk, block, pieces);
                overlay.Remove(block);
            }
        }

        if (before.IsOverlayUnknown && from == 0 && to >= ChunkLayout.BlocksMax)
        {
            group.DeletePieces(entry.Chunk);
        }

        var after = before.WithoutBase(from, to);
        entry.Next = after with { Overlay = overlay.ToImmutable(), OverlayBytes = bytes };
        if (!after.Parts.SequenceEqual(before.Parts))
        {
            entry.IsRowDirty = true;
            DropUnused(group, entry.Chunk, before.Parts, after.Parts);
        }
    }

    /// <summary>Removes a chunk.</summary>
    public void Delete(LaneGroup group, ChunkEntry entry)
    {
        group.Touch(entry);
        if (entry.Next!.Tail is { } tail)
        {
            entry.Next = entry.Next with { Tail = null };
            group.AfterCommit.Add(() =>
            {
                Complete(tail.End());
                tail.Abandon();
            });
        }

        RemoveBlocks(group, entry, 0, ChunkLayout.BlocksMax);
        entry.Next = null;
        entry.IsRowDirty = true;
        group.NeedsSync = true;
    }

    /// <summary>Marks a chunk as lost, durably.</summary>
    public void Lose(LaneGroup group, ChunkEntry entry, FsStatus status)
    {
        CloseTail(group, entry);
        group.Touch(entry);
        entry.Next = entry.Next! with
        {
            Info = entry.Next.Info with { State = ChunkState.Lost, LostStatus = status },
        };
        entry.IsRowDirty = true;
        group.NeedsSync = true;
        metrics.Count("lost");
    }

    /// <summary>A part is ingested: the row names it. One that nobody wants any more is dropped.</summary>
    public void Ingested(LaneGroup group, ChunkEntry? entry, OpenPart part)
    {
        var content = entry?.Next;
        OpenRange[] ranges = content is null ? [] : [.. content.Open.Where(range => range.Part == part)];
        if (ranges.Length == 0)
        {
            group.AfterCommit.Add(() =>
            {
                Complete(part.End());
                _ = drop(part.Chunk, part.Number);
            });
            return;
        }

        group.Touch(entry!);
        var end = Math.Min(
            content!.Info.Length, ranges.Max(range => (range.First + range.Count) * ChunkLayout.BlockBytes));
        entry!.Next = content with
        {
            Open = content.Open.RemoveAll(range => range.Part == part),
            Parts = content.PartsWith(ranges.Select(r => new PartRange(part.Number, r.First, r.Count))),
            DurableLength = Math.Max(content.DurableLength, end),
        };
        entry.Next = entry.Next.Synced();
        entry.IsRowDirty = true;
        group.NeedsSync = true;
        metrics.Written(part.Bytes, "part");
        group.AfterCommit.Add(() => Complete(part.End()));
    }

    /// <summary>A part could not be written: what was in it is lost, and whoever waits for it hears of it.</summary>
    public void Broken(LaneGroup group, ChunkEntry? entry, OpenPart part, DistFsException cause)
    {
        if (entry?.Next is { } content && content.Open.Any(range => range.Part == part))
        {
            entry.Next = content with
            {
                Open = content.Open.RemoveAll(range => range.Part == part),
                Tail = content.Tail == part ? null : content.Tail,
            };
            Lose(group, entry, FsStatus.IoError);
        }

        group.AfterCommit.Add(() =>
        {
            foreach (var request in part.End())
            {
                request.Fail(cause);
            }

            part.Abandon();
        });
    }

    private void HandOver(OpenPart part)
    {
        if (!endPart(part))
        {
            var closed = new DistFsException(ErrorCatalog.ChunkStoreFailed, "The store is closed.");
            part.End().ForEach(request => request.Fail(closed));
        }
    }

    private static void Complete(List<LaneRequest> requests)
    {
        foreach (var request in requests)
        {
            if (--request.PartsLeft == 0)
            {
                request.Complete();
            }
        }
    }

    private bool TryAppend(LaneGroup group, ChunkEntry entry, in PieceHeader header, ReadOnlySpan<byte> piece)
    {
        var content = entry.Next!;
        var block = header.Block.Value;
        if (header.Kind != PieceKind.Block || content.Has(block))
        {
            return false;
        }

        if (content.Tail is { } old
            && (old.First + old.Count != block || old.Count != content.Open[^1].Count || old.IsAskedFor))
        {
            CloseTail(group, entry);
            content = entry.Next!;
        }

        if (content.Tail is null)
        {
            if (parts.Oldest() is { } oldest)
            {
                CloseTail(group, oldest);
                group.Touch(oldest);
            }

            var part = parts.Begin(entry, block);
            content = content with { Tail = part, Open = content.Open.Add(new OpenRange(part, block, 0)) };
        }

        var tail = content.Tail!;
        try
        {
            if (tail.IsBuffered && tail.Bytes + piece.Length > partBytesMin && tail.Count > 0)
            {
                tail.MoveToFile(parts.Staging, StoreEngine.BlockOptions);
            }

            tail.Append(header, piece);
        }
        catch (StoreFullException full)
        {
            // What was acknowledged before, and is not durable, was in this file.
            var refusal = new DistFsException(
                ErrorCatalog.ChunkStoreFull, $"The disk of the store is full: {full.EngineText}", full);
            entry.Next = content;
            Broken(group, entry, tail, refusal);
            throw refusal;
        }

        parts.Use(tail);
        entry.Next = content with
        {
            Open = content.Open.SetItem(content.Open.Length - 1, content.Open[^1] with
            {
                Count = content.Open[^1].Count + 1,
            })
        };
        return true;
    }

    private void DropUnused(
        LaneGroup group, ChunkId chunk, ImmutableArray<PartRange> before, ImmutableArray<PartRange> after)
    {
        foreach (var part in before.Select(range => range.Part).Distinct())
        {
            if (!after.Any(range => range.Part == part))
            {
                group.AfterCommit.Add(() => _ = drop(chunk, part));
            }
        }
    }
}
