using System.Runtime.InteropServices;
using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.Fuse;
using DistFS.Primitives;
using DistFS.Vfs;

namespace DistFS.Mount;

/// <summary>Values of the kernel's protocol, and those of the file system. Pure.</summary>
internal static class FuseTranslation
{
    /// <summary>Of stat: what a program reads and writes at a time, best.</summary>
    private const uint BlockBytes = 1 << 20;
    private const uint SpaceBlockBytes = 4096;
    private const uint NameBytesMax = 255;

    /// <summary>Copies of a file, unless a directory says otherwise.</summary>
    private const int CopiesByDefault = 3;

    // asm-generic/fcntl.h; the same on x64 and Arm.
    private const uint AccessMode = 3;
    private const uint WriteOnly = 1;
    private const uint Exclusive = 0x80;
    private const uint Truncate = 0x200;
    private const uint Append = 0x400;
    private const uint DataSync = 0x1000;

    // Not the same.
    private static readonly uint Direct = RuntimeInformation.ProcessArchitecture
        is Architecture.Arm64 or Architecture.Arm ? 0x10000u : 0x4000;

    private const uint WriteLock = 1;
    private const uint Unlock = 2;
    private const ulong OffsetMax = long.MaxValue;

    public static FileKind KindOf(uint mode) => mode >> 12 == 0 ? FileKind.File : (FileKind)(mode >> 12);

    public static uint ModeOf(uint mode) => mode & 0xFFF;

    public static bool IsExclusive(uint flags) => (flags & Exclusive) != 0;

    /// <summary>O_DIRECT, of the descriptor as it is now.</summary>
    public static bool IsDirect(uint flags) => (flags & Direct) != 0;

    public static VfsOpenMode OpenModeOf(uint flags) => new(
        (flags & AccessMode) != WriteOnly,
        (flags & AccessMode) != 0,
        (flags & Append) != 0,
        (flags & Truncate) != 0,
        (flags & DataSync) != 0);

    /// <summary>
    /// A page that a program has mapped stands where it stands. Of other writes the flags of the descriptor count as
    /// they are then: fcntl (F_SETFL) sets O_APPEND, and takes it away, behind the open.
    /// </summary>
    public static VfsWrite WriteOf(in FuseWriteIn asked) => new(
        (asked.WriteFlags & WriteFlags.Cache) == 0 && (asked.Flags & Append) != 0,
        (asked.WriteFlags & WriteFlags.KillSuidGid) != 0,
        (asked.WriteFlags & WriteFlags.Cache) != 0);

    public static FuseOpenOut OpenedOf(in VfsOpened opened) => new()
    {
        Handle = opened.Handle,
        Flags = (opened.KeepsContent ? OpenReplyFlags.KeepCache : OpenReplyFlags.None)
            | (opened.IsDirect ? OpenReplyFlags.DirectIo : OpenReplyFlags.None),
    };

    public static FuseEntryOut NoEntry(TimeSpan valid) => new()
    {
        EntryValidSeconds = SecondsOf(valid),
        EntryValidNs = NanosecondsOf(valid),
    };

    public static FuseEntryOut EntryOf(in VfsEntry entry, NodeNumbers numbers) => new()
    {
        NodeId = numbers.NodeOf(entry.Attributes!.Inode),
        EntryValidSeconds = SecondsOf(entry.NameValid),
        EntryValidNs = NanosecondsOf(entry.NameValid),
        AttrValidSeconds = SecondsOf(entry.AttributesValid),
        AttrValidNs = NanosecondsOf(entry.AttributesValid),
        Attr = AttributesOf(entry.Attributes!),
    };

    /// <summary>Of a listing: without attributes it is a name and no lookup.</summary>
    public static FuseEntryOut EntryOf(in VfsName name, NodeNumbers numbers) => name.Entry.Attributes != null
        ? EntryOf(name.Entry, numbers)
        : new FuseEntryOut { Attr = new FuseAttr { Inode = name.Inode.Value, Mode = (uint)name.Kind << 12 } };

    public static FuseAttrOut AttributesOf(in VfsEntry entry) => new()
    {
        ValidSeconds = SecondsOf(entry.AttributesValid),
        ValidNs = NanosecondsOf(entry.AttributesValid),
        Attr = AttributesOf(entry.Attributes!),
    };

    public static FuseAttr AttributesOf(FileStatus status) => new()
    {
        Inode = status.Inode.Value,
        Size = (ulong)status.Size,
        Blocks = (ulong)(status.Allocated + 511) / 512,
        AccessTime = (ulong)status.AccessTime.Seconds,
        AccessTimeNs = status.AccessTime.Nanoseconds,
        ModifyTime = (ulong)status.ModifyTime.Seconds,
        ModifyTimeNs = status.ModifyTime.Nanoseconds,
        ChangeTime = (ulong)status.ChangeTime.Seconds,
        ChangeTimeNs = status.ChangeTime.Nanoseconds,
        Mode = ((uint)status.Kind << 12) | status.Mode,
        Links = status.Links,
        Uid = status.Uid,
        Gid = status.Gid,
        Device = (uint)status.Device,
        BlockBytes = BlockBytes,
    };

    public static VfsChange ChangeOf(in FuseSetAttrIn asked)
    {
        const SetAttrFields Attributes = SetAttrFields.Mode | SetAttrFields.Uid | SetAttrFields.Gid
            | SetAttrFields.AccessTime | SetAttrFields.ModifyTime;
        var valid = asked.Valid;
        return new VfsChange(
            (valid & Attributes) == 0 ? null : new AttributeChange
            {
                Mode = Has(SetAttrFields.Mode) ? ModeOf(asked.Mode) : null,
                Uid = Has(SetAttrFields.Uid) ? asked.Uid : null,
                Gid = Has(SetAttrFields.Gid) ? asked.Gid : null,
                AccessTime = Has(SetAttrFields.AccessTime) && !Has(SetAttrFields.AccessTimeNow)
                    ? new FileTime((long)asked.AccessTime, asked.AccessTimeNs) : null,
                ModifyTime = Has(SetAttrFields.ModifyTime) && !Has(SetAttrFields.ModifyTimeNow)
                    ? new FileTime((long)asked.ModifyTime, asked.ModifyTimeNs) : null,
                TouchesAccessTime = Has(SetAttrFields.AccessTimeNow),
                TouchesModifyTime = Has(SetAttrFields.ModifyTimeNow),
            },
            Has(SetAttrFields.Size) ? (long)asked.Size : null,
            Has(SetAttrFields.Size) && Has(SetAttrFields.KillSuidGid));

        bool Has(SetAttrFields field) => (valid & field) != 0;
    }

    /// <summary>What files take of it, with the usual number of copies.</summary>
    public static FuseStatFsOut SpaceOf(long capacity, long used)
    {
        var blocks = (ulong)capacity / CopiesByDefault / SpaceBlockBytes;
        var free = (ulong)Math.Max(0, capacity - used) / CopiesByDefault / SpaceBlockBytes;
        return new FuseStatFsOut
        {
            Blocks = blocks,
            BlocksFree = free,
            BlocksAvailable = free,
            Files = 0,
            FilesFree = 0,
            BlockBytes = SpaceBlockBytes,
            FragmentBytes = SpaceBlockBytes,
            NameBytesMax = NameBytesMax,
        };
    }

    public static bool Leaves(in FuseLockIn asked) => asked.Lock.Type == Unlock;

    public static NodeLock LockOf(in FuseLockIn asked) => (asked.Flags & LockFlags.Flock) != 0
        ? new NodeLock(false, asked.Owner, asked.Lock.Type == WriteLock, 0, 0, asked.Lock.Pid)
        : new NodeLock(
            true,
            asked.Owner,
            asked.Lock.Type == WriteLock,
            asked.Lock.Start,
            asked.Lock.End >= OffsetMax ? 0 : asked.Lock.End - asked.Lock.Start + 1,
            asked.Lock.Pid);

    public static FuseLockOut LockOf(NodeLock? held) => new()
    {
        Lock = held is not { } found ? new FuseFileLock { Type = Unlock } : new FuseFileLock
        {
            Start = found.First,
            End = found.Length == 0 ? OffsetMax : found.First + found.Length - 1,
            Type = found.IsExclusive ? WriteLock : 0,
            Pid = found.Process,
        },
    };

    private static ulong SecondsOf(TimeSpan time) => (ulong)(time.Ticks / TimeSpan.TicksPerSecond);

    private static uint NanosecondsOf(TimeSpan time) => (uint)(time.Ticks % TimeSpan.TicksPerSecond * 100);
}
