using DistFS.Metadata.Placement.Repair;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Chunks;

/// <summary>Copies under way as typed rows, by chunk.</summary>
public sealed class CopyTable(Changes changes)
{
    /// <summary>The copies of a chunk that are under way, by id.</summary>
    public IReadOnlyList<CopyAssignment> Of(ChunkId chunk)
    {
        Span<byte> from = stackalloc byte[RowKey.BytesMax];
        Span<byte> to = stackalloc byte[RowKey.BytesMax];
        return Scan(
            RowKey.Of(from, RowTable.CopyAssignment, chunk.Value, 0),
            RowKey.Of(to, RowTable.CopyAssignment, chunk.Value, ulong.MaxValue));
    }

    /// <summary>All copies under way.</summary>
    public IReadOnlyList<CopyAssignment> All() =>
        Scan([(byte)RowTable.CopyAssignment], [(byte)RowTable.CopyAssignment + 1]);

    /// <summary>Writes one.</summary>
    public void Put(in CopyAssignment copy)
    {
        Span<byte> row = stackalloc byte[CopyAssignment.RowBytes];
        copy.Write(row);
        changes.Put(KeyOf(stackalloc byte[RowKey.BytesMax], copy.Chunk, copy.Copy), row);
    }

    /// <summary>One has ended.</summary>
    public void Remove(ChunkId chunk, CopyId copy) =>
        changes.Delete(KeyOf(stackalloc byte[RowKey.BytesMax], chunk, copy));

    private static ReadOnlySpan<byte> KeyOf(Span<byte> buffer, ChunkId chunk, CopyId copy) =>
        RowKey.Of(buffer, RowTable.CopyAssignment, chunk.Value, copy.Value);

    private List<CopyAssignment> Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        var found = new List<CopyAssignment>();
        changes.Scan(from, to, (_, value) =>
        {
            found.Add(CopyAssignment.Read(value));
            return true;
        });
        return found;
    }
}
