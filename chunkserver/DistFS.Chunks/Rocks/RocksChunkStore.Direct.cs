using System.Buffers;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <content>Large reads of what lies in parts: past the engine.</content>
public sealed partial class RocksChunkStore
{
    /// <summary>
    /// Reads several blocks of one part, over which nothing lies, in one call and into one place. Whatever is not as it
    /// should be is left to the engine, which knows why.
    /// </summary>
    /// <returns>How many blocks were read; 0 for none.</returns>
    private int ReadDirect(ChunkEntry entry, ChunkContent content, uint block, uint end, StoredBlocks blocks)
    {
        if (content.PartOf(block) is not { } part)
        {
            return 0;
        }

        var count = 0;
        end = Math.Min(end, Math.Min(part.End, block + PartTable.PiecesMax));
        while (block + count < end && content.OverlayOf(block + (uint)count).IsEmpty)
        {
            count++;
        }

        // One alone is not worth a file that is held open.
        if (count < 2 || _partTables.Find(part.Part) is not { } table)
        {
            return 0;
        }

        var bytes = table.BytesOf(block, count);
        if (bytes == 0)
        {
            return 0;
        }

        if (entry.Current?.PartOf(block)?.Part != part.Part)
        {
            // Dropped meanwhile, perhaps before the file was opened: then nobody else would close it.
            _partTables.Drop(part.Part);
            return 0;
        }

        Span<int> lengths = stackalloc int[count];
        var owner = new PieceMemory(bytes + ((count + 1) * PartTable.GapBytes));
        if (!TryReadDirect(table, content.Info.Chunk, part.Part, block, lengths, owner.Memory.Span)
            || !TryAdd(blocks, block, lengths, owner))
        {
            owner.Dispose();
            return 0;
        }

        return count;
    }

    private static bool TryReadDirect(
        PartTable table, ChunkId chunk, ulong part, uint block, Span<int> lengths, Span<byte> destination)
    {
        try
        {
            return table.TryRead(chunk, part, block, lengths, destination);
        }
        catch (Exception e) when (e is DistFsException or ObjectDisposedException)
        {
            // Dropped meanwhile, or the disk: the engine finds out which.
            return false;
        }
    }

    private static bool TryAdd(StoredBlocks blocks, uint block, ReadOnlySpan<int> lengths, PieceMemory owner)
    {
        var before = blocks.Counts;
        var at = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            var piece = owner.Memory.Slice(at, lengths[i]);
            if (PieceHeader.Read(piece.Span, out var header) != PieceFault.None
                || header.TotalBytes != piece.Length || header.Block.Value != block + (uint)i)
            {
                blocks.BackTo(before.Pieces, before.Owners);
                return false;
            }

            blocks.Add(header, piece, i == lengths.Length - 1 ? owner : null);
            at += piece.Length;
        }

        return true;
    }

    /// <summary>Memory for pieces, from the pool.</summary>
    private sealed class PieceMemory(int bytes) : IDisposable
    {
        private byte[]? _array = ArrayPool<byte>.Shared.Rent(bytes);

        public Memory<byte> Memory => _array.AsMemory(0, bytes);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is { } array)
            {
                ArrayPool<byte>.Shared.Return(array);
            }
        }
    }
}
