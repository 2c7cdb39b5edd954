using System.Runtime.InteropServices;

#pragma warning disable CS1591 // Fields carry the names and meanings of linux/fuse.h; only what differs is told here.
#pragma warning disable CA1051 // They are the bytes of the kernel, nothing more.

namespace DistFS.Fuse;

/// <summary>struct fuse_init_in, 64 bytes; the first 16 only, before 7.36.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseInitIn
{
    internal const int ShortBytes = 16;

    public uint Major;
    public uint Minor;
    public uint MaxReadAhead;
    public uint Flags;
    public uint Flags2;
    public uint Unused0;
    public ulong Unused1;
    public ulong Unused3;
    public ulong Unused5;
    public ulong Unused7;
    public ulong Unused9;
}

/// <summary>struct fuse_init_out, 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseInitOut
{
    public uint Major;
    public uint Minor;
    public uint MaxReadAhead;
    public uint Flags;
    public ushort MaxBackground;
    public ushort CongestionThreshold;
    public uint MaxWrite;
    public uint TimeGranularityNs;
    public ushort MaxPages;
    public ushort MapAlignment;
    public uint Flags2;
    public uint MaxStackDepth;
    public ushort RequestTimeout;
    public ushort Unused0;
    public uint Unused1;
    public ulong Unused3;
    public ulong Unused7;
}

/// <summary>
/// struct fuse_out_header, 16 bytes: before every reply; the error is negative. Of a notification the unique is 0.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseOutHeader
{
    public uint Length;
    public int Error;
    public ulong Unique;
}

/// <summary>struct fuse_attr, 88 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseAttr
{
    public ulong Inode;
    public ulong Size;
    public ulong Blocks;
    public ulong AccessTime;
    public ulong ModifyTime;
    public ulong ChangeTime;
    public uint AccessTimeNs;
    public uint ModifyTimeNs;
    public uint ChangeTimeNs;
    public uint Mode;
    public uint Links;
    public uint Uid;
    public uint Gid;
    public uint Device;
    public uint BlockBytes;
    public uint Flags;
}

/// <summary>
/// struct fuse_entry_out, 128 bytes. A node id of 0 with a time says for how long a name is not there.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseEntryOut
{
    public ulong NodeId;
    public ulong Generation;
    public ulong EntryValidSeconds;
    public ulong AttrValidSeconds;
    public uint EntryValidNs;
    public uint AttrValidNs;
    public FuseAttr Attr;
}

/// <summary>struct fuse_attr_out, 104 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseAttrOut
{
    public ulong ValidSeconds;
    public uint ValidNs;
    public uint Padding;
    public FuseAttr Attr;
}

/// <summary>struct fuse_sx_time, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseStatxTime
{
    public long Seconds;
    public uint Ns;
    public int Reserved;
}

/// <summary>struct fuse_statx, 256 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseStatx
{
    public uint Mask;
    public uint BlockBytes;
    public ulong Attributes;
    public uint Links;
    public uint Uid;
    public uint Gid;
    public ushort Mode;
    public ushort Spare0;
    public ulong Inode;
    public ulong Size;
    public ulong Blocks;
    public ulong AttributesMask;
    public FuseStatxTime AccessTime;
    public FuseStatxTime BirthTime;
    public FuseStatxTime ChangeTime;
    public FuseStatxTime ModifyTime;
    public uint DeviceMajor;
    public uint DeviceMinor;
    public uint OnMajor;
    public uint OnMinor;
    public ulong Spare0a;
    public ulong Spare1;
    public ulong Spare2;
    public ulong Spare3;
    public ulong Spare4;
    public ulong Spare5;
    public ulong Spare6;
    public ulong Spare7;
    public ulong Spare8;
    public ulong Spare9;
    public ulong Spare10;
    public ulong Spare11;
    public ulong Spare12;
    public ulong Spare13;
}

/// <summary>struct fuse_statx_out, 288 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseStatxOut
{
    public ulong ValidSeconds;
    public uint ValidNs;
    public uint Flags;
    public ulong Spare0;
    public ulong Spare1;
    public FuseStatx Stat;
}

/// <summary>struct fuse_open_out, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseOpenOut
{
    public ulong Handle;
    public OpenReplyFlags Flags;
    public int BackingId;
}

/// <summary>struct fuse_write_out, 8 bytes; of COPY_FILE_RANGE too.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseWriteOut
{
    public uint Size;
    public uint Padding;
}

/// <summary>struct fuse_statfs_out, 80 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseStatFsOut
{
    public ulong Blocks;
    public ulong BlocksFree;
    public ulong BlocksAvailable;
    public ulong Files;
    public ulong FilesFree;
    public uint BlockBytes;
    public uint NameBytesMax;
    public uint FragmentBytes;
    public uint Padding;
    public ulong Spare0;
    public ulong Spare2;
    public ulong Spare4;
}

/// <summary>struct fuse_getxattr_out, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseGetXattrOut
{
    public uint Size;
    public uint Padding;
}

/// <summary>struct fuse_lk_out, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseLockOut
{
    public FuseFileLock Lock;
}

/// <summary>struct fuse_lseek_out, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseSeekOut
{
    public ulong Offset;
}

/// <summary>struct fuse_copy_file_range_out, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseCopyFileRangeOut
{
    public ulong BytesCopied;
}

/// <summary>struct fuse_dirent, 24 bytes; the name follows, padded to 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseDirent
{
    public ulong Inode;
    public ulong Offset;
    public uint NameBytes;
    public uint Type;
}

/// <summary>
/// struct fuse_notify_inval_inode_out, 24 bytes: a negative offset for attributes only, a length of 0 for all.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseNotifyInvalidateInode
{
    public ulong NodeId;
    public long Offset;
    public long Length;
}

/// <summary>struct fuse_notify_inval_entry_out, 16 bytes; the name follows with a zero byte.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseNotifyInvalidateEntry
{
    public ulong Parent;
    public uint NameBytes;
    public uint Flags;
}

/// <summary>struct fuse_notify_delete_out, 24 bytes; the name follows with a zero byte.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseNotifyDelete
{
    public ulong Parent;
    public ulong Child;
    public uint NameBytes;
    public uint Padding;
}

/// <summary>struct fuse_notify_store_out, 24 bytes; the bytes follow.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseNotifyStore
{
    public ulong NodeId;
    public ulong Offset;
    public uint Size;
    public uint Padding;
}
