using DistFS.Primitives;

namespace DistFS.Linearizability;

/// <summary>What a namespace is asked.</summary>
public enum NamespaceInputKind
{
    /// <summary>Makes a file under a name that must be free.</summary>
    CreateExclusive,

    /// <summary>Gives a file another name, which must be free.</summary>
    Link,

    /// <summary>Gives a file, told by its inode and not by a name, another name, which must be free.</summary>
    LinkFile,

    /// <summary>Removes a name.</summary>
    Unlink,

    /// <summary>Moves a name, in place of what had the new one.</summary>
    Rename,

    /// <summary>Which file has a name.</summary>
    Lookup,

    /// <summary>All names of a directory.</summary>
    List,
}

/// <summary>One operation of a namespace. Paths are absolute, "/d/name".</summary>
/// <param name="Kind">Which.</param>
/// <param name="Path">The name, or the directory that is listed.</param>
/// <param name="Target">The new name of a link or rename.</param>
/// <param name="Inode">The file of a link by inode; else 0.</param>
public readonly record struct NamespaceInput(NamespaceInputKind Kind, string Path, string Target, long Inode = 0)
{
    /// <summary>Makes a file under a name that must be free: open with O_CREAT and O_EXCL.</summary>
    public static NamespaceInput CreateExclusive(string path) => new(NamespaceInputKind.CreateExclusive, path, "");

    /// <summary>Gives a file another name, which must be free.</summary>
    public static NamespaceInput Link(string path, string target) => new(NamespaceInputKind.Link, path, target);

    /// <summary>Gives a file another name, which must be free. Whoever asks has seen its inode in an answer.</summary>
    public static NamespaceInput LinkFile(long inode, string target) =>
        new(NamespaceInputKind.LinkFile, "", target, inode);

    /// <summary>Removes a name.</summary>
    public static NamespaceInput Unlink(string path) => new(NamespaceInputKind.Unlink, path, "");

    /// <summary>Moves a name, in place of what had the new one.</summary>
    public static NamespaceInput Rename(string path, string target) => new(NamespaceInputKind.Rename, path, target);

    /// <summary>Which file has a name.</summary>
    public static NamespaceInput Lookup(string path) => new(NamespaceInputKind.Lookup, path, "");

    /// <summary>All names of a directory.</summary>
    public static NamespaceInput List(string directory) => new(NamespaceInputKind.List, directory, "");

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        NamespaceInputKind.CreateExclusive => $"create {Path}",
        NamespaceInputKind.Link => $"link {Path} as {Target}",
        NamespaceInputKind.LinkFile => FormattableString.Invariant($"link inode {Inode} as {Target}"),
        NamespaceInputKind.Unlink => $"unlink {Path}",
        NamespaceInputKind.Rename => $"rename {Path} to {Target}",
        NamespaceInputKind.Lookup => $"look up {Path}",
        _ => $"list {Path}",
    };
}

/// <summary>An answer of a namespace.</summary>
/// <param name="Status">Ok, NotFound or AlreadyExists.</param>
/// <param name="Inode">The file that was made or found; positive.</param>
/// <param name="Links">How many names the file that was found has; 0 if that was not looked at.</param>
/// <param name="Names">What was listed, without the directory, in any order.</param>
public sealed record NamespaceOutput(FsStatus Status, long Inode, int Links, IReadOnlyList<string> Names)
{
    /// <summary>A link, unlink or rename was done.</summary>
    public static NamespaceOutput Ok { get; } = new(FsStatus.Ok, 0, 0, []);

    /// <summary>There is no such name.</summary>
    public static NamespaceOutput NotFound { get; } = new(FsStatus.NotFound, 0, 0, []);

    /// <summary>The new name is not free.</summary>
    public static NamespaceOutput AlreadyExists { get; } = new(FsStatus.AlreadyExists, 0, 0, []);

    /// <summary>A file was made or found.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is not positive.</exception>
    public static NamespaceOutput File(long inode, int links = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inode);
        return new(FsStatus.Ok, inode, links, []);
    }

    /// <summary>What was listed.</summary>
    public static NamespaceOutput Listed(params string[] names) => new(FsStatus.Ok, 0, 0, names);

    /// <inheritdoc/>
    public override string ToString() => this switch
    {
        { Status: not FsStatus.Ok } => Status.ToString(),
        { Inode: > 0 } => FormattableString.Invariant($"inode {Inode}{(Links > 0 ? $" of {Links} names" : "")}"),
        { Names.Count: > 0 } => string.Join(' ', Names),
        _ => ReferenceEquals(this, Ok) ? "ok" : "nothing",
    };
}
