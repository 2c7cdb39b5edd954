using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Rows;

/// <summary>What the cluster's first entry says, once for all.</summary>
/// <param name="Cluster">Whose state this is.</param>
/// <param name="NameKey">Secret: the key of the hashes of names.</param>
public readonly record struct ClusterRow(ClusterId Cluster, UInt128 NameKey)
{
    /// <summary>Length in bytes.</summary>
    public const int Bytes = 36;

    // Raised when rows change so that an older version would misread them.
    private const uint Format = 1;

    /// <summary>Reads it; null before the cluster's first entry.</summary>
    /// <exception cref="RowFormatException">A newer version wrote the state, or something else did.</exception>
    public static ClusterRow? Find(Changes changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        var value = new ArrayBufferWriter<byte>(Bytes);
        if (!changes.TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "cluster"u8), value))
        {
            return null;
        }

        var row = value.WrittenSpan;
        RowFormatException.ThrowIf(
            row.Length != Bytes || BinaryPrimitives.ReadUInt32LittleEndian(row) != Format, RowTable.Meta, row);
        return new ClusterRow(
            new ClusterId(BinaryPrimitives.ReadUInt128LittleEndian(row[4..])),
            BinaryPrimitives.ReadUInt128LittleEndian(row[20..]));
    }

    /// <summary>Writes it.</summary>
    public void Put(Changes changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        Span<byte> row = stackalloc byte[Bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(row, Format);
        BinaryPrimitives.WriteUInt128LittleEndian(row[4..], Cluster.Value);
        BinaryPrimitives.WriteUInt128LittleEndian(row[20..], NameKey);
        changes.Put(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "cluster"u8), row);
    }
}
