using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>A page of a directory as bytes, in the form of <c>ReadDirectoryReply.payload</c>.</summary>
/// <param name="buffer">Written from the beginning.</param>
public struct DirectoryPage(Memory<byte> buffer) : IDirectoryVisitor
{
    /// <summary>Bytes of a line beside its name, without attributes.</summary>
    public const int LineBytes = 20;

    /// <summary>Bytes of the attributes of a line.</summary>
    public const int AttributesBytes = 88;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>Lines written.</summary>
    public uint Count { get; private set; }

    /// <inheritdoc/>
    public void Take(in DirectoryEntry entry, in InodeRow attributes)
    {
        var line = buffer.Span[Length..];
        BinaryPrimitives.WriteUInt64LittleEndian(line, entry.Cookie);
        BinaryPrimitives.WriteUInt64LittleEndian(line[8..], entry.Inode.Value);
        line[16] = (byte)entry.Kind;
        line[17] = entry.HasAttributes ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(line[18..], (ushort)entry.Name.Length);
        var at = LineBytes;
        if (entry.HasAttributes)
        {
            Write(line[at..], attributes);
            at += AttributesBytes;
        }

        entry.Name.CopyTo(line[at..]);
        Length += at + entry.Name.Length;
        Count++;
    }

    private static void Write(Span<byte> line, in InodeRow row)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(line, row.Mode);
        BinaryPrimitives.WriteUInt32LittleEndian(line[4..], row.Uid);
        BinaryPrimitives.WriteUInt32LittleEndian(line[8..], row.Gid);
        BinaryPrimitives.WriteUInt32LittleEndian(line[12..], row.Links);
        BinaryPrimitives.WriteInt64LittleEndian(line[16..], row.Size);
        BinaryPrimitives.WriteInt64LittleEndian(line[24..], row.Allocated);
        BinaryPrimitives.WriteUInt64LittleEndian(line[32..], row.Device);
        Write(line[40..], row.AccessTime);
        Write(line[52..], row.ModifyTime);
        Write(line[64..], row.ChangeTime);
        Write(line[76..], row.BirthTime);
    }

    private static void Write(Span<byte> line, FileTime time)
    {
        BinaryPrimitives.WriteInt64LittleEndian(line, time.Seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(line[8..], time.Nanoseconds);
    }
}
