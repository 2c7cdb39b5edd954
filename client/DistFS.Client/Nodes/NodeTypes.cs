using DistFS.Primitives;

namespace DistFS.Client.Nodes;

/// <summary>How an operation on an inode ended.</summary>
/// <param name="Status">What the namespace says: a refusal is an answer here, no exception.</param>
/// <param name="Attributes">Of the inode that was found, made or changed; null after a refusal.</param>
public readonly record struct NodeReply(FsStatus Status, FileStatus? Attributes);

/// <summary>Bytes of an inode that are no content: a link's target, the value of an extended attribute.</summary>
/// <param name="Status">What the namespace says.</param>
/// <param name="Data">Empty after a refusal.</param>
public readonly record struct NodeData(FsStatus Status, ReadOnlyMemory<byte> Data);

/// <summary>What was granted of a lease.</summary>
/// <param name="Mode">What may be done now; <see cref="Leases.LeaseMode.None"/>: ask for everything.</param>
/// <param name="Status">0; ENOENT: there is no such inode; EAGAIN: others have it.</param>
/// <param name="Attributes">As they are under the lease; null without one.</param>
public readonly record struct NodeLease(Leases.LeaseMode Mode, FsStatus Status, FileStatus? Attributes);

/// <summary>A new inode.</summary>
public sealed record NewNode
{
    /// <summary>What it is.</summary>
    public required FileKind Kind { get; init; }

    /// <summary>Permission bits: 0 to 07777.</summary>
    public required uint Mode { get; init; }

    /// <summary>Bits that are taken from the mode, unless the directory has a default ACL.</summary>
    public uint Umask { get; init; }

    /// <summary>Of a device: which.</summary>
    public ulong Device { get; init; }

    /// <summary>Of a symbolic link: 1 to 4,095 bytes without NUL.</summary>
    public ReadOnlyMemory<byte> Target { get; init; }

    /// <summary>Of a file: that the name is there already is no error (O_CREAT without O_EXCL).</summary>
    public bool OrExisting { get; init; }
}

/// <summary>How renameat2(2) treats what has the new name.</summary>
public enum RenameMode
{
    /// <summary>It is replaced.</summary>
    Replace,

    /// <summary>RENAME_NOREPLACE: EEXIST.</summary>
    NoReplace,

    /// <summary>RENAME_EXCHANGE: both change places.</summary>
    Exchange,
}

/// <summary>A range of a file that is locked, or is to be (fcntl(2)); or the whole of it (flock(2)).</summary>
/// <param name="IsRange">fcntl, of <paramref name="Owner"/>; else flock, of the open.</param>
/// <param name="Owner">Who, among the owners of this client.</param>
/// <param name="IsExclusive">Alone; else together with others who do not want it alone.</param>
/// <param name="First">The first byte.</param>
/// <param name="Length">Bytes; 0: to the end, wherever that will be.</param>
/// <param name="Process">For F_GETLK.</param>
public readonly record struct NodeLock(
    bool IsRange, ulong Owner, bool IsExclusive, ulong First, ulong Length, uint Process);
