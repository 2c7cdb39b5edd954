using System.Runtime.InteropServices;

#pragma warning disable CS1591 // Fields carry the names and meanings of linux/fuse.h; only what differs is told here.
#pragma warning disable CA1051 // They are the bytes of the kernel, nothing more.

namespace DistFS.Fuse;

/// <summary>struct fuse_in_header, 40 bytes: before every request.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseInHeader
{
    public uint Length;
    public Opcode Opcode;
    public ulong Unique;
    public ulong NodeId;
    public uint Uid;
    public uint Gid;
    public uint Pid;
    public ushort ExtensionWords;
    public ushort Padding;
}

/// <summary>struct fuse_forget_in, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseForgetIn
{
    public ulong Count;
}

/// <summary>struct fuse_batch_forget_in, 8 bytes; <see cref="FuseForgetOne"/> follow.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseBatchForgetIn
{
    public uint Count;
    public uint Padding;
}

/// <summary>struct fuse_forget_one, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseForgetOne
{
    public ulong NodeId;
    public ulong Count;
}

/// <summary>struct fuse_getattr_in, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseGetAttrIn
{
    public GetAttrFlags Flags;
    public uint Padding;
    public ulong Handle;
}

/// <summary>struct fuse_statx_in, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseStatxIn
{
    public GetAttrFlags Flags;
    public uint Reserved;
    public ulong Handle;
    public uint StatxFlags;
    public uint Mask;
}

/// <summary>struct fuse_setattr_in, 88 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseSetAttrIn
{
    public SetAttrFields Valid;
    public uint Padding;
    public ulong Handle;
    public ulong Size;
    public ulong LockOwner;
    public ulong AccessTime;
    public ulong ModifyTime;
    public ulong ChangeTime;
    public uint AccessTimeNs;
    public uint ModifyTimeNs;
    public uint ChangeTimeNs;
    public uint Mode;
    public uint Unused4;
    public uint Uid;
    public uint Gid;
    public uint Unused5;
}

/// <summary>struct fuse_mknod_in, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseMkNodIn
{
    public uint Mode;
    public uint Device;
    public uint Umask;
    public uint Padding;
}

/// <summary>struct fuse_mkdir_in, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseMkDirIn
{
    public uint Mode;
    public uint Umask;
}

/// <summary>struct fuse_rename_in, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseRenameIn
{
    public ulong NewParent;
}

/// <summary>struct fuse_rename2_in, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseRename2In
{
    public ulong NewParent;
    public RenameFlags Flags;
    public uint Padding;
}

/// <summary>struct fuse_link_in, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseLinkIn
{
    public ulong OldNodeId;
}

/// <summary>struct fuse_open_in, 8 bytes: flags of open(2), and FUSE_OPEN_*.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseOpenIn
{
    public uint Flags;
    public uint OpenFlags;
}

/// <summary>struct fuse_create_in, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseCreateIn
{
    public uint Flags;
    public uint Mode;
    public uint Umask;
    public uint OpenFlags;
}

/// <summary>struct fuse_release_in, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseReleaseIn
{
    public ulong Handle;
    public uint Flags;
    public ReleaseFlags ReleaseFlags;
    public ulong LockOwner;
}

/// <summary>struct fuse_flush_in, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseFlushIn
{
    public ulong Handle;
    public uint Unused;
    public uint Padding;
    public ulong LockOwner;
}

/// <summary>struct fuse_read_in, 40 bytes: of READ, READDIR and READDIRPLUS.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseReadIn
{
    public ulong Handle;
    public ulong Offset;
    public uint Size;
    public uint ReadFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

/// <summary>struct fuse_write_in, 40 bytes; the bytes follow.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseWriteIn
{
    public ulong Handle;
    public ulong Offset;
    public uint Size;
    public WriteFlags WriteFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

/// <summary>struct fuse_fsync_in, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseFsyncIn
{
    public ulong Handle;
    public FsyncFlags Flags;
    public uint Padding;
}

/// <summary>struct fuse_setxattr_in, 16 bytes; the first 8 only, when SETXATTR_EXT was not agreed on.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseSetXattrIn
{
    internal const int ShortBytes = 8;

    public uint Size;
    public uint Flags;
    public uint SetXattrFlags;
    public uint Padding;
}

/// <summary>struct fuse_getxattr_in, 8 bytes; a size of 0 asks for the size.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseGetXattrIn
{
    public uint Size;
    public uint Padding;
}

/// <summary>struct fuse_lk_in, 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseLockIn
{
    public ulong Handle;
    public ulong Owner;
    public FuseFileLock Lock;
    public LockFlags Flags;
    public uint Padding;
}

/// <summary>
/// struct fuse_file_lock, 24 bytes: the last byte is part of it; the type is F_RDLCK 0, F_WRLCK 1, F_UNLCK 2.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseFileLock
{
    public ulong Start;
    public ulong End;
    public uint Type;
    public uint Pid;
}

/// <summary>struct fuse_access_in, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseAccessIn
{
    public uint Mask;
    public uint Padding;
}

/// <summary>struct fuse_interrupt_in, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseInterruptIn
{
    public ulong Unique;
}

/// <summary>struct fuse_bmap_in, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseBmapIn
{
    public ulong Block;
    public uint BlockBytes;
    public uint Padding;
}

/// <summary>struct fuse_ioctl_in, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseIoctlIn
{
    public ulong Handle;
    public uint Flags;
    public uint Command;
    public ulong Argument;
    public uint InBytes;
    public uint OutBytes;
}

/// <summary>struct fuse_poll_in, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FusePollIn
{
    public ulong Handle;
    public ulong KernelHandle;
    public uint Flags;
    public uint Events;
}

/// <summary>struct fuse_fallocate_in, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseFallocateIn
{
    public ulong Handle;
    public ulong Offset;
    public ulong Length;
    public uint Mode;
    public uint Padding;
}

/// <summary>struct fuse_lseek_in, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseSeekIn
{
    public ulong Handle;
    public ulong Offset;
    public uint Whence;
    public uint Padding;
}

/// <summary>struct fuse_copy_file_range_in, 56 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseCopyFileRangeIn
{
    public ulong HandleIn;
    public ulong OffsetIn;
    public ulong NodeIdOut;
    public ulong HandleOut;
    public ulong OffsetOut;
    public ulong Length;
    public ulong Flags;
}

/// <summary>struct fuse_syncfs_in, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseSyncFsIn
{
    public ulong Padding;
}

/// <summary>struct fuse_notify_retrieve_in, 40 bytes; the bytes follow.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FuseNotifyRetrieveIn
{
    public ulong Dummy1;
    public ulong Offset;
    public uint Size;
    public uint Dummy2;
    public ulong Dummy3;
    public ulong Dummy4;
}
