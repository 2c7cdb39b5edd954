using DistFS.Primitives;

namespace DistFS.Client;

/// <summary>A name in a directory.</summary>
/// <param name="Name">For people: bytes that are no UTF-8 are replaced.</param>
/// <param name="NameBytes">As it is: 1 to 255 bytes.</param>
/// <param name="Inode">What it stands for.</param>
/// <param name="Kind">What that is.</param>
/// <param name="Status">Its attributes, if they were asked for and nobody is writing it at the moment.</param>
public sealed record DirectoryItem(
    string Name, ReadOnlyMemory<byte> NameBytes, InodeId Inode, FileKind Kind, FileStatus? Status)
{
    /// <summary>Whether <see cref="Name"/> is the name, so that it may stand in a path.</summary>
    public bool HasText => !Name.Contains('\uFFFD', StringComparison.Ordinal)
        || System.Text.Encoding.UTF8.GetBytes(Name).AsSpan().SequenceEqual(NameBytes.Span);
}

/// <summary>A name of a page of a directory.</summary>
/// <param name="Cookie">Names its place in the order of the listing, which no change of the directory moves.</param>
/// <param name="Item">What stands there; also '.' and '..'.</param>
public readonly record struct DirectoryEntry(ulong Cookie, DirectoryItem Item);

/// <summary>A page of a directory.</summary>
/// <param name="Status">ENOENT, ENOTDIR, EACCES; then there are no entries.</param>
/// <param name="Entries">In the order of their cookies.</param>
/// <param name="IsEnd">Nothing comes after this page.</param>
public sealed record DirectoryPage(FsStatus Status, IReadOnlyList<DirectoryEntry> Entries, bool IsEnd);
