using System.Buffers.Binary;
using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>Quotas, and the walk that counts what is below one.</content>
public sealed partial class Tree
{
    /// <summary>The quota of a directory.</summary>
    public bool TryGetQuota(InodeId directory, out QuotaRow row)
    {
        var found = TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Quota, directory));
        row = found ? QuotaRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    internal void PutQuota(InodeId directory, in QuotaRow row)
    {
        Span<byte> bytes = stackalloc byte[QuotaRow.SizeBytes];
        row.Write(bytes);
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Quota, directory), bytes);
    }

    internal void RemoveQuota(InodeId directory) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Quota, directory));

    /// <summary>The walk that is under way.</summary>
    internal WalkRow? QuotaWalk() =>
        TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "quota-walk"u8))
            ? WalkRow.Read(_value.WrittenSpan) : null;

    internal void PutQuotaWalk(WalkRow walk)
    {
        Span<byte> bytes = stackalloc byte[WalkRow.SizeBytes];
        walk.Write(bytes);
        changes.Put(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "quota-walk"u8), bytes);
    }

    internal void RemoveQuotaWalk() =>
        changes.Delete(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "quota-walk"u8));

    /// <summary>Notes that the walk has to look at the names of a directory from a cookie on.</summary>
    internal void PutWalkDirectory(InodeId directory, ulong from)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, from);
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.QuotaWalk, directory), bytes);
    }

    internal void RemoveWalkDirectory(InodeId directory) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.QuotaWalk, directory));

    /// <summary>The first directories that the walk has to look at, and from which cookie on.</summary>
    internal List<(InodeId Directory, ulong From)> WalkDirectories(int countMax)
    {
        var first = new List<(InodeId Directory, ulong From)>();
        ScanPrefix([(byte)RowTable.QuotaWalk], (key, value) =>
        {
            RowFormatException.ThrowIf(value.Length != sizeof(ulong), RowTable.QuotaWalk, value);
            first.Add((RowKey.InodeOf(key), BinaryPrimitives.ReadUInt64LittleEndian(value)));
            return first.Count < countMax;
        });
        return first;
    }
}
