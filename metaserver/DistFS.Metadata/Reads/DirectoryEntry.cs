using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>A line of a listing; valid during the call that gives it.</summary>
public readonly ref struct DirectoryEntry
{
    /// <summary>
    /// A listing goes on after it. Names with equal hashes have the same, and stand on the same page: who takes a part
    /// of a page only must not stop between them.
    /// </summary>
    public required ulong Cookie { get; init; }

    /// <summary>The name.</summary>
    public required ReadOnlySpan<byte> Name { get; init; }

    /// <summary>What it names.</summary>
    public required InodeId Inode { get; init; }

    /// <summary>What that is.</summary>
    public required InodeKind Kind { get; init; }

    /// <summary>
    /// Whether its attributes are given: they were asked for, and the caller may search the directory (of a directory
    /// that he may read and not search he gets names only, as by stat).
    /// </summary>
    public required bool HasAttributes { get; init; }
}

/// <summary>Takes the lines of a page, in order.</summary>
public interface IDirectoryVisitor
{
    /// <summary>Takes one.</summary>
    void Take(in DirectoryEntry entry, in InodeRow attributes);
}

/// <summary>How much a page may hold.</summary>
/// <param name="EntriesMax">So many lines.</param>
/// <param name="BytesMax">Lines of so many bytes together.</param>
/// <param name="EntryBytes">What the caller needs for a line beside the bytes of the name.</param>
public readonly record struct PageLimits(int EntriesMax, int BytesMax, int EntryBytes);
