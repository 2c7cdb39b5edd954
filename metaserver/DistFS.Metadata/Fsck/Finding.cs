using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <summary>What sort of thing does not add up. The numbers and names never change: scripts know them.</summary>
public enum FindingKind : byte
{
    /// <summary>Names, links, parents: what the tree is.</summary>
    Tree = 1,

    /// <summary>What has neither a name nor an open.</summary>
    Orphan = 2,

    /// <summary>Opens of sessions.</summary>
    Open = 3,

    /// <summary>Extended attributes and access control lists.</summary>
    Attribute = 4,

    /// <summary>Locks of sessions.</summary>
    Lock = 5,

    /// <summary>Quotas and who belongs to them.</summary>
    Quota = 6,

    /// <summary>The trash.</summary>
    Trash = 7,

    /// <summary>The content of a file.</summary>
    Content = 8,

    /// <summary>A chunk, or its copies.</summary>
    Chunk = 9,

    /// <summary>A chunk server.</summary>
    Server = 10,

    /// <summary>Inode numbers that a session has reserved.</summary>
    Range = 11,
}

/// <summary>Something that does not add up.</summary>
/// <param name="Kind">What sort of thing.</param>
/// <param name="Inode">Of which inode; zero if it is of none.</param>
/// <param name="Text">What is wrong, for people.</param>
public readonly record struct Finding(FindingKind Kind, InodeId Inode, string Text);
