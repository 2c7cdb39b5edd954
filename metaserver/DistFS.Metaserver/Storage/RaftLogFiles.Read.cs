using System.Buffers;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <content>What readers do.</content>
internal sealed partial class RaftLogFiles
{
    private const int ReadBytesMax = 4 << 20;

    /// <summary>
    /// Entries from <paramref name="from"/> on: at least one, then as many as fit, none after <paramref name="last"/>.
    /// </summary>
    /// <exception cref="LogCorruptException">One of them does not match its checksum any more.</exception>
    public IReadOnlyList<RaftEntry> Read(LogIndex from, LogIndex last, long bytesMax)
    {
        _disk.ThrowIfFailed();
        var entries = new List<RaftEntry>();
        var next = from;
        var bytes = 0L;
        while (next <= last)
        {
            Chunk chunk;
            lock (_gate)
            {
                RequireInside(next, last);
                if (_cache.Has(next))
                {
                    if (!TakeCached(entries, ref next, last, ref bytes, bytesMax))
                    {
                        return entries;
                    }

                    continue;
                }

                chunk = Plan(next, last, Math.Max(0, bytesMax - bytes));
            }

            try
            {
                if (!ReadChunk(chunk, entries, ref next, ref bytes, bytesMax))
                {
                    return entries;
                }
            }
            finally
            {
                chunk.Segment.Dispose();
            }
        }

        return entries;
    }

    /// <summary>Whether there is room for more.</summary>
    private bool TakeCached(
        List<RaftEntry> entries, ref LogIndex next, LogIndex last, ref long bytes, long bytesMax)
    {
        for (; next <= last && _cache.Has(next); next = next.Next)
        {
            if (!Fits(_cache[next], entries.Count, ref bytes, bytesMax))
            {
                return false;
            }

            entries.Add(_cache[next]);
        }

        return true;
    }

    private static bool Fits(RaftEntry entry, int count, ref long bytes, long bytesMax)
    {
        if (count > 0 && bytes + entry.SizeBytes > bytesMax)
        {
            return false;
        }

        bytes += entry.SizeBytes;
        return true;
    }

    /// <summary>The records of one file to read at once; the file stays open until the chunk is done with.</summary>
    private Chunk Plan(LogIndex from, LogIndex last, long bytesMax)
    {
        var place = _segments.Count - 1;
        while (_segments[place].First > from)
        {
            place--;
        }

        var segment = _segments[place];
        var start = segment.OffsetOf(from);
        var end = segment.LimitOf(from);
        var through = from;
        var bound = Math.Min(bytesMax, ReadBytesMax);
        for (var next = from.Next; next <= last && next < segment.Next && !_cache.Has(next); next = next.Next)
        {
            var limit = segment.LimitOf(next);
            if (limit - start > bound)
            {
                break;
            }

            (end, through) = (limit, next);
        }

        segment.Use();
        return new Chunk(segment, through, start, end - start, _generation, _salt);
    }

    /// <summary>Reads a chunk; says whether there is room for more.</summary>
    private bool ReadChunk(
        in Chunk chunk, List<RaftEntry> entries, ref LogIndex next, ref long bytes, long bytesMax)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(chunk.Length);
        try
        {
            var records = buffer.AsSpan(0, chunk.Segment.File.Read(chunk.Offset, buffer.AsSpan(0, chunk.Length)));
            for (var at = 0; next <= chunk.Last;)
            {
                if (!TryTake(records[at..], next, chunk.Salt, out var entry, out var sizeBytes))
                {
                    var sector = Sectors.RoundUp(chunk.Offset + at) - chunk.Offset;
                    if (sector > at && sector < records.Length)
                    {
                        // What follows was synced by itself, and starts in a new sector.
                        at = sector;
                        continue;
                    }

                    ThrowIfStillThere(chunk, next, chunk.Offset + at);
                    return true;
                }

                if (!Fits(entry, entries.Count, ref bytes, bytesMax))
                {
                    return false;
                }

                entries.Add(entry);
                next = next.Next;
                at += sizeBytes;
            }

            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool TryTake(
        ReadOnlySpan<byte> records, LogIndex index, uint salt, out RaftEntry entry, out int sizeBytes)
    {
        (entry, sizeBytes) = (null!, 0);
        if (!LogRecordCodec.TryReadHeader(records, out var header)
            || header.Id.Index != index || header.Length > records.Length - LogRecordCodec.HeaderBytes
            || !LogRecordCodec.IsIntact(records, header, salt))
        {
            return false;
        }

        var data = records.Slice(LogRecordCodec.HeaderBytes, header.Length);
        entry = new RaftEntry { Id = header.Id, Kind = header.Kind, Data = data.ToArray() };
        sizeBytes = header.SizeBytes;
        return true;
    }

    /// <summary>Bytes that do not match are no damage if the entries were taken away while they were read.</summary>
    private void ThrowIfStillThere(in Chunk chunk, LogIndex index, int offset)
    {
        lock (_gate)
        {
            if (_generation == chunk.Generation)
            {
                throw new LogCorruptException(index, chunk.Segment.File.Name, offset);
            }
        }
    }

    private readonly record struct Chunk(
        Segment Segment, LogIndex Last, int Offset, int Length, long Generation, uint Salt);
}
