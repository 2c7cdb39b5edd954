using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Members;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Servers;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <summary>Inodes and names as typed rows over <see cref="Changes"/>.</summary>
public sealed partial class Tree(Changes changes, UInt128 nameKey)
{
    private readonly ArrayBufferWriter<byte> _value = new(InodeRow.SizeBytes);

    /// <summary>Chunks, and which file and which server has them.</summary>
    public ChunkTable Chunks { get; } = new(changes);

    /// <summary>Copies of chunks that are under way.</summary>
    public CopyTable Copies { get; } = new(changes);

    /// <summary>Chunk servers.</summary>
    public ServerTable Servers { get; } = new(changes);

    /// <summary>Metaservers.</summary>
    public MemberTable Members { get; } = new(changes);

    /// <summary>An inode, orphans included.</summary>
    public bool TryGet(InodeId id, out InodeRow row)
    {
        var found = TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Inode, id));
        row = found ? InodeRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    /// <summary>Writes an inode.</summary>
    public void Put(InodeId id, in InodeRow row)
    {
        Span<byte> bytes = stackalloc byte[InodeRow.SizeBytes];
        row.Write(bytes);
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Inode, id), bytes);
    }

    /// <summary>Removes an inode; there is nothing of it in other tables any more.</summary>
    public void Remove(InodeId id) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Inode, id));

    /// <summary>
    /// The content row of an inode: the target of a symbolic link, or a small file; null if it has none.
    /// </summary>
    public byte[]? Content(InodeId id) =>
        TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Content, id))
            ? ContentRow.Read(_value.WrittenSpan).ToArray() : null;

    /// <summary>Writes the content row of an inode.</summary>
    public void PutContent(InodeId id, ReadOnlySpan<byte> content) =>
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Content, id), ContentRow.Write(content));

    /// <summary>Removes the content row of an inode.</summary>
    public void RemoveContent(InodeId id) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Content, id));

    /// <summary>What a name in a directory stands for.</summary>
    public bool TryFind(InodeId directory, ReadOnlySpan<byte> name, out DentryRow row)
    {
        var found = TryRead(RowKey.OfDentry(stackalloc byte[RowKey.BytesMax], directory, Cookie(name), name));
        row = found ? DentryRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    /// <summary>Writes a name; the counts of the directory are the caller's matter.</summary>
    public void PutName(InodeId directory, ReadOnlySpan<byte> name, DentryRow row)
    {
        Span<byte> bytes = stackalloc byte[DentryRow.SizeBytes];
        row.Write(bytes);
        changes.Put(RowKey.OfDentry(stackalloc byte[RowKey.BytesMax], directory, Cookie(name), name), bytes);
    }

    /// <summary>Removes a name; the counts of the directory are the caller's matter.</summary>
    public void RemoveName(InodeId directory, ReadOnlySpan<byte> name) =>
        changes.Delete(RowKey.OfDentry(stackalloc byte[RowKey.BytesMax], directory, Cookie(name), name));

    /// <summary>Notes that an inode has neither a name nor an open.</summary>
    public void PutOrphan(InodeId id) =>
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Orphan, id), []);

    /// <summary>Where a name stands in a listing of its directory.</summary>
    public ulong Cookie(ReadOnlySpan<byte> name) => Cookies.Of(nameKey, name);

    /// <summary>A number that was never given before, and the next one is noted.</summary>
    public InodeId NextInode() => new(Counter("next-inode"u8, first: InodeId.Root.Value + 1));

    /// <summary>Takes the next values of a counter; returns the first.</summary>
    private ulong Counter(ReadOnlySpan<byte> name, ulong first, uint count = 1)
    {
        var key = RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], name);
        var value = TryRead(key)
            ? BinaryPrimitives.ReadUInt64LittleEndian(_value.WrittenSpan) : first;
        Span<byte> next = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(next, value + count);
        changes.Put(key, next);
        return value;
    }

    private bool TryRead(ReadOnlySpan<byte> key)
    {
        _value.ResetWrittenCount();
        return changes.TryRead(key, _value);
    }
}
