using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <summary>
/// What the kernel keeps of a mount: told to forget it when the lease under which it was told is given up. Each call
/// ends when the kernel has done so, or never knew it.
/// </summary>
public interface IVfsKernel
{
    /// <summary>Attributes of an inode.</summary>
    Task ForgetAttributesAsync(InodeId inode);

    /// <summary>Attributes and content; a length of 0 is all from the offset on.</summary>
    Task ForgetContentAsync(InodeId inode, long offset, long length);

    /// <summary>Names of a directory.</summary>
    Task ForgetNamesAsync(InodeId directory, IReadOnlyCollection<byte[]> names);
}

/// <summary>
/// What is told under leases: they are not given up before it was told, which disposing of this says. Once, always.
/// </summary>
public readonly struct LeaseUse : IDisposable
{
    private readonly VfsNode? _first;
    private readonly VfsNode? _second;

    internal LeaseUse(VfsNode? first, VfsNode? second = null) => (_first, _second) = (first, second);

    internal LeaseUse And(VfsNode other) => new(_first, other);

    /// <inheritdoc/>
    public void Dispose()
    {
        _first?.EndUse();
        _second?.EndUse();
    }
}

/// <summary>A name, or an inode, as it is told to the kernel.</summary>
/// <param name="Status">0, or why there is none.</param>
/// <param name="Attributes">Of the inode; null after a refusal.</param>
/// <param name="NameValid">For how long the name (or that there is none) need not be asked for again.</param>
/// <param name="AttributesValid">The same of the attributes.</param>
/// <param name="Use">Of the leases behind these times.</param>
public readonly record struct VfsEntry(
    FsStatus Status, FileStatus? Attributes, TimeSpan NameValid, TimeSpan AttributesValid, LeaseUse Use)
    : IDisposable
{
    /// <summary>A refusal that holds for this moment.</summary>
    public static VfsEntry Refused(FsStatus status) => new(status, null, default, default, default);

    /// <inheritdoc/>
    public void Dispose() => Use.Dispose();
}

/// <summary>A name of a listing.</summary>
/// <param name="Cookie">Where the listing goes on behind it.</param>
/// <param name="Name">As it is.</param>
/// <param name="Inode">What it stands for.</param>
/// <param name="Kind">What that is.</param>
/// <param name="Entry">Its attributes, if they were asked for and there is a lease.</param>
public readonly record struct VfsName(
    ulong Cookie, ReadOnlyMemory<byte> Name, InodeId Inode, FileKind Kind, VfsEntry Entry);

/// <summary>A name of a listing as it is kept, and the cookie behind which the next one comes.</summary>
internal readonly record struct VfsRow(ulong Cookie, ReadOnlyMemory<byte> Name, InodeId Inode, FileKind Kind)
{
    /// <summary>The directory itself.</summary>
    public static readonly byte[] Self = [(byte)'.'];

    /// <summary>The one that it is in.</summary>
    public static readonly byte[] Above = [(byte)'.', (byte)'.'];

    /// <summary>No name of something in it.</summary>
    public bool IsOfDirectory => Name.Span.SequenceEqual(Self) || Name.Span.SequenceEqual(Above);
}

/// <summary>A file or directory that a program has open.</summary>
/// <param name="Status">0, or why not.</param>
/// <param name="Handle">Names it from here on.</param>
/// <param name="KeepsContent">What the kernel has of the content is good.</param>
/// <param name="IsDirect">The kernel keeps nothing of what goes through this open.</param>
public readonly record struct VfsOpened(FsStatus Status, ulong Handle, bool KeepsContent, bool IsDirect);

/// <summary>How a program opens a file: O_RDONLY, O_WRONLY or O_RDWR, and what else counts here.</summary>
/// <param name="Reads">May read.</param>
/// <param name="Writes">May write.</param>
/// <param name="Appends">O_APPEND: each write goes to the end as it is then.</param>
/// <param name="Truncates">O_TRUNC.</param>
/// <param name="Syncs">O_SYNC or O_DSYNC.</param>
public readonly record struct VfsOpenMode(bool Reads, bool Writes, bool Appends, bool Truncates, bool Syncs)
{
    /// <summary>The rights that it takes: 4 read, 2 write, and their sum; to cut a file is to write it.</summary>
    internal uint Access => (Reads ? 4u : 0) | (Writes || Truncates ? 2u : 0);
}

/// <summary>How a program writes.</summary>
/// <param name="Appends">To the end as it is then (O_APPEND), whatever the open said.</param>
/// <param name="DropsSpecial">By somebody who must not change what runs as its owner or group.</param>
/// <param name="IsMapped">A page that programs have mapped, whenever they changed it: it takes no rights away.</param>
public readonly record struct VfsWrite(bool Appends, bool DropsSpecial, bool IsMapped = false);

/// <summary>New attributes of setattr.</summary>
/// <param name="Change">All but the length.</param>
/// <param name="Length">The length; null: it stays.</param>
/// <param name="DropsSpecial">The length is set by whoever must not change what runs as its owner or group.</param>
public readonly record struct VfsChange(AttributeChange? Change, long? Length, bool DropsSpecial = false);
