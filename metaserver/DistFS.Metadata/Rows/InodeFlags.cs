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

    /// <summary>All that this version knows.</summary>
    All = AccessAcl | DefaultAcl,
}
