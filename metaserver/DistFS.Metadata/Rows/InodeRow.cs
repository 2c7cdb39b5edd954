using System.Buffers.Binary;
using DistFS.Metadata.Placement;
using DistFS.Primitives;

namespace DistFS.Metadata.Rows;

/// <summary>An inode: 136 bytes, numbers little-endian, in the order of the fields here.</summary>
public readonly record struct InodeRow
{
    /// <summary>Bytes of a row.</summary>
    public const int SizeBytes = 136;

    private const byte Format = 1;

    /// <summary>What it is.</summary>
    public required InodeKind Kind { get; init; }

    /// <summary>Permission bits with set-user-id, set-group-id and sticky: 07777.</summary>
    public required uint Mode { get; init; }

    /// <summary>Owner.</summary>
    public required uint Uid { get; init; }

    /// <summary>Group.</summary>
    public required uint Gid { get; init; }

    /// <summary>Names of a file; 2 + subdirectories of a directory; 0 is an orphan.</summary>
    public required uint Links { get; init; }

    /// <summary>Length in bytes; of a symbolic link that of its target.</summary>
    public long Size { get; init; }

    /// <summary>Bytes that are stored for it, each once, as <c>st_blocks</c> and quotas count them.</summary>
    public long Allocated { get; init; }

    /// <summary>Of a device: its number.</summary>
    public ulong Device { get; init; }

    /// <summary>Of a directory: how many names it has.</summary>
    public ulong Entries { get; init; }

    /// <summary>
    /// Of a directory: the one above it; its own inode for the root. Of anything in the trash: the directory it was in.
    /// </summary>
    public InodeId Parent { get; init; }

    /// <summary>The nearest directory, itself included, that has a quota; zero for none.</summary>
    public InodeId Domain { get; init; }

    /// <summary>Last read.</summary>
    public FileTime AccessTime { get; init; }

    /// <summary>Content last changed.</summary>
    public FileTime ModifyTime { get; init; }

    /// <summary>Anything last changed.</summary>
    public FileTime ChangeTime { get; init; }

    /// <summary>Made.</summary>
    public FileTime BirthTime { get; init; }

    /// <summary>How many opens there are of it, of all sessions.</summary>
    public uint Opens { get; init; }

    /// <summary>
    /// Bytes of the names of its extended attributes, each with a NUL, as listxattr counts; 0 is none. Its access
    /// control lists are not among them.
    /// </summary>
    public uint XattrNamesBytes { get; init; }

    /// <summary>What else there is about it.</summary>
    public InodeFlags Flags { get; init; }

    /// <summary>Of a file: it has no chunk at this place or a later one; 0 when it has none at all.</summary>
    public ulong ChunkEnd { get; init; }

    /// <summary>
    /// Copies of the chunks that are made in it, of a directory also in what is made in it; 0 is what the cluster has.
    /// </summary>
    public byte GoalReplicas { get; init; }

    /// <summary>They need not be in different racks; only with <see cref="GoalReplicas"/>.</summary>
    public bool GoalAnyRack { get; init; }

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => Kind == InodeKind.Directory;

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row = row[..SizeBytes];
        row[0] = Format;
        row[1] = (byte)Kind;
        BinaryPrimitives.WriteUInt16LittleEndian(row[2..], (ushort)Mode);
        BinaryPrimitives.WriteUInt32LittleEndian(row[4..], Uid);
        BinaryPrimitives.WriteUInt32LittleEndian(row[8..], Gid);
        BinaryPrimitives.WriteUInt32LittleEndian(row[12..], Links);
        BinaryPrimitives.WriteInt64LittleEndian(row[16..], Size);
        BinaryPrimitives.WriteInt64LittleEndian(row[24..], Allocated);
        BinaryPrimitives.WriteUInt64LittleEndian(row[32..], Device);
        BinaryPrimitives.WriteUInt64LittleEndian(row[40..], Entries);
        BinaryPrimitives.WriteUInt64LittleEndian(row[48..], Parent.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(row[56..], Domain.Value);
        WriteTime(row[64..], AccessTime);
        WriteTime(row[76..], ModifyTime);
        WriteTime(row[88..], ChangeTime);
        WriteTime(row[100..], BirthTime);
        BinaryPrimitives.WriteUInt64LittleEndian(row[112..], ChunkEnd);
        row[120..124].Clear();
        row[120] = GoalReplicas;
        row[121] = (byte)(GoalAnyRack ? 1 : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(row[124..], Opens);
        BinaryPrimitives.WriteUInt32LittleEndian(row[128..], XattrNamesBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(row[132..], (uint)Flags);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static InodeRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.Inode, row);
        var flags = (InodeFlags)BinaryPrimitives.ReadUInt32LittleEndian(row[132..]);
        RowFormatException.ThrowIf(
            (flags & ~InodeFlags.All) != 0 || row[120] > ReplicaGoal.ReplicasMax || row[121] > 1, RowTable.Inode, row);
        return new InodeRow
        {
            Kind = (InodeKind)row[1],
            Mode = BinaryPrimitives.ReadUInt16LittleEndian(row[2..]),
            Uid = BinaryPrimitives.ReadUInt32LittleEndian(row[4..]),
            Gid = BinaryPrimitives.ReadUInt32LittleEndian(row[8..]),
            Links = BinaryPrimitives.ReadUInt32LittleEndian(row[12..]),
            Size = BinaryPrimitives.ReadInt64LittleEndian(row[16..]),
            Allocated = BinaryPrimitives.ReadInt64LittleEndian(row[24..]),
            Device = BinaryPrimitives.ReadUInt64LittleEndian(row[32..]),
            Entries = BinaryPrimitives.ReadUInt64LittleEndian(row[40..]),
            Parent = new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(row[48..])),
            Domain = new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(row[56..])),
            AccessTime = ReadTime(row[64..]),
            ModifyTime = ReadTime(row[76..]),
            ChangeTime = ReadTime(row[88..]),
            BirthTime = ReadTime(row[100..]),
            ChunkEnd = BinaryPrimitives.ReadUInt64LittleEndian(row[112..]),
            Opens = BinaryPrimitives.ReadUInt32LittleEndian(row[124..]),
            XattrNamesBytes = BinaryPrimitives.ReadUInt32LittleEndian(row[128..]),
            Flags = flags,
            GoalReplicas = row[120],
            GoalAnyRack = row[121] != 0,
        };
    }

    private static void WriteTime(Span<byte> row, FileTime time)
    {
        BinaryPrimitives.WriteInt64LittleEndian(row, time.Seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(row[sizeof(long)..], time.Nanoseconds);
    }

    private static FileTime ReadTime(ReadOnlySpan<byte> row)
    {
        var nanoseconds = BinaryPrimitives.ReadUInt32LittleEndian(row[sizeof(long)..]);
        RowFormatException.ThrowIf(nanoseconds >= FileTime.NanosecondsPerSecond, RowTable.Inode, row);
        return new FileTime(BinaryPrimitives.ReadInt64LittleEndian(row), nanoseconds);
    }
}
