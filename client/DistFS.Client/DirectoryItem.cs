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
