namespace DistFS.Metadata.Rows;

/// <summary>What an inode has in other tables, so that nobody looks there who need not.</summary>
[Flags]
public enum InodeFlags : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>
    /// An access ACL: the permission bits alone do not say who may; those of the group are its mask (acl(5)).
    /// </summary>
    AccessAcl = 1,

    /// <summary>Of a directory: a default ACL, which what is made in it inherits (acl(5)).</summary>
    DefaultAcl = 2,

    /// <summary>It is in the trash: it has no name, and is no orphan.</summary>
    Trashed = 4,

    /// <summary>Of a directory: a row that says how long what is removed in it is kept.</summary>
    Retention = 8,

    /// <summary>All that this version knows.</summary>
    All = AccessAcl | DefaultAcl | Trashed | Retention,
}
