using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Trash;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>What was removed and is kept, by where it was and by when it goes; and how long it is kept.</content>
public sealed partial class Tree
{
    /// <summary>Whether anything that is removed is kept: as long as nothing is, nobody looks any further.</summary>
    internal bool HasRetentions
    {
        get
        {
            _value.ResetWrittenCount();
            return changes.TryReadHot(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "retentions"u8), _value);
        }
    }

    /// <summary>Something in the trash, by the directory that it was in.</summary>
    internal bool TryGetTrash(InodeId directory, InodeId id, out TrashRow row)
    {
        var found = TryRead(
            RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.TrashEntry, directory.Value, id.Value));
        row = found ? TrashRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    internal void PutTrash(InodeId directory, InodeId id, in TrashRow row)
    {
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        changes.Put(RowKey.Of(key, RowTable.TrashEntry, directory.Value, id.Value), row.Write());
        changes.Put(RowKey.Of(key, RowTable.Trash, row.Purge, id.Value), []);
    }

    internal void RemoveTrash(InodeId directory, InodeId id, in TrashRow row)
    {
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        changes.Delete(RowKey.Of(key, RowTable.TrashEntry, directory.Value, id.Value));
        changes.Delete(RowKey.Of(key, RowTable.Trash, row.Purge, id.Value));
    }

    /// <summary>What has been in the trash for its time, as many as asked for, the longest due first.</summary>
    internal List<InodeId> DueTrash(FileTime now, int countMax)
    {
        var due = new List<InodeId>();
        ScanPrefix([(byte)RowTable.Trash], (key, _) =>
        {
            var isDue = due.Count < countMax && RowKey.InodeOf(key).Value <= (ulong)Math.Max(0, now.Seconds);
            if (isDue)
            {
                due.Add(new InodeId(RowKey.CookieOf(key)));
            }

            return isDue && due.Count < countMax;
        });
        return due;
    }

    /// <summary>What is in the trash, in the order in which it goes, after one of them.</summary>
    internal List<InodeId> TrashAfter(ulong purge, InodeId after, int countMax) => TrashAfter(
        RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Trash, purge, after.Value),
        [(byte)(RowTable.Trash + 1)],
        countMax);

    /// <summary>What is in the trash and was in a directory, in the order of its inodes, after one of them.</summary>
    internal List<InodeId> TrashOf(InodeId directory, InodeId after, int countMax)
    {
        Span<byte> end = stackalloc byte[RowKey.BytesMax];
        return TrashAfter(
            RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.TrashEntry, directory.Value, after.Value),
            RowKey.After(end, RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.TrashEntry, directory)),
            countMax);
    }

    /// <summary>What a directory itself says about what is removed in it.</summary>
    internal RetentionRow? Retention(InodeId directory, in InodeRow inode)
    {
        if ((inode.Flags & InodeFlags.Retention) == 0)
        {
            return null;
        }

        Check.That(TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Retention, directory)));
        return RetentionRow.Read(_value.WrittenSpan);
    }

    /// <summary>Sets it. Returns the inode as the caller is to write it.</summary>
    internal InodeRow PutRetention(InodeId directory, in InodeRow inode, RetentionRow row)
    {
        if ((inode.Flags & InodeFlags.Retention) == 0)
        {
            CountRetentions(1);
        }

        Span<byte> bytes = stackalloc byte[RetentionRow.SizeBytes];
        row.Write(bytes);
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Retention, directory), bytes);
        return inode with { Flags = inode.Flags | InodeFlags.Retention };
    }

    /// <summary>Takes it away, if it says anything. Returns the inode as the caller is to write it.</summary>
    internal InodeRow RemoveRetention(InodeId directory, in InodeRow inode)
    {
        if ((inode.Flags & InodeFlags.Retention) == 0)
        {
            return inode;
        }

        CountRetentions(-1);
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Retention, directory));
        return inode with { Flags = inode.Flags & ~InodeFlags.Retention };
    }

    private void CountRetentions(int more)
    {
        var key = RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "retentions"u8);
        var count = TryRead(key) ? BinaryPrimitives.ReadInt64LittleEndian(_value.WrittenSpan) : 0;
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, count + more);
        if (count + more == 0)
        {
            changes.Delete(key);
        }
        else
        {
            changes.Put(key, bytes);
        }
    }

    private List<InodeId> TrashAfter(ReadOnlySpan<byte> after, ReadOnlySpan<byte> end, int countMax)
    {
        var found = new List<InodeId>();
        var first = after.ToArray();
        changes.Scan(after, end, (key, _) =>
        {
            if (!key.SequenceEqual(first))
            {
                found.Add(new InodeId(RowKey.CookieOf(key)));
            }

            return found.Count < countMax;
        });
        return found;
    }
}
