using System.Collections.Immutable;

namespace DistFS.Metadata.Acls;

/// <summary>What a named user or group may.</summary>
/// <param name="Id">The user or the group.</param>
/// <param name="Access">What it may, as far as the mask lets it.</param>
public readonly record struct AclEntry(uint Id, Access Access);

/// <summary>
/// An access control list (POSIX 1003.1e draft 17, acl(5)): the three classes of the permission bits, and between them
/// named users and groups, which a mask restrains together with the owning group.
/// </summary>
public sealed record AccessControlList
{
    /// <summary>ACL_USER_OBJ: the owner.</summary>
    public required Access Owner { get; init; }

    /// <summary>ACL_GROUP_OBJ: the owning group.</summary>
    public required Access Group { get; init; }

    /// <summary>ACL_MASK: the most that named ones and the owning group may; null if there is none.</summary>
    public Access? Mask { get; init; }

    /// <summary>ACL_OTHER: everybody else.</summary>
    public required Access Other { get; init; }

    /// <summary>ACL_USER, in the order in which they were given.</summary>
    public ImmutableArray<AclEntry> Users { get; init; } = [];

    /// <summary>ACL_GROUP, in the order in which they were given.</summary>
    public ImmutableArray<AclEntry> Groups { get; init; } = [];

    /// <summary>Whether the permission bits can say all of it.</summary>
    public bool IsMinimal => Mask == null;

    /// <summary>The permission bits that belong to it: those of the group are the mask, if there is one.</summary>
    public uint ModeBits => ((uint)Owner << 6) | ((uint)(Mask ?? Group) << 3) | (uint)Other;

    /// <summary>
    /// The list as the permission bits have it now: chmod changes the owner, the mask and the others (acl(5)).
    /// </summary>
    public AccessControlList WithMode(uint mode) => this with
    {
        Owner = (Access)((mode >> 6) & 7),
        Mask = Mask == null ? null : (Access)((mode >> 3) & 7),
        Group = Mask == null ? (Access)((mode >> 3) & 7) : Group,
        Other = (Access)(mode & 7),
    };

    /// <summary>The access check algorithm of acl(5) for one who is not root.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="owner">The owner of the inode.</param>
    /// <param name="owningGroup">The group of the inode.</param>
    /// <param name="wanted">All of this.</param>
    public bool Allows(Principal caller, uint owner, uint owningGroup, Access wanted)
    {
        ArgumentNullException.ThrowIfNull(caller);
        if (caller.Uid == owner)
        {
            return Has(Owner, wanted);
        }

        var mask = Mask ?? (Access.Read | Access.Write | Access.Execute);
        foreach (var user in Users)
        {
            if (user.Id == caller.Uid)
            {
                return Has(user.Access & mask, wanted);
            }
        }

        // One group that grants all of it is enough; what no group grants is not left to the others.
        var isInOne = caller.IsIn(owningGroup);
        if (isInOne && Has(Group & mask, wanted))
        {
            return true;
        }

        foreach (var group in Groups)
        {
            if (caller.IsIn(group.Id))
            {
                isInOne = true;
                if (Has(group.Access & mask, wanted))
                {
                    return true;
                }
            }
        }

        return !isInOne && Has(Other, wanted);
    }

    private static bool Has(Access granted, Access wanted) => (granted & wanted) == wanted;
}
