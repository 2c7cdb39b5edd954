namespace DistFS.Metadata.Acls;

/// <summary>What an inode gets from the default ACL of the directory it is made in (acl(5), object creation).</summary>
internal static class AclInheritance
{
    private const uint PermissionBits = 0b111_111_111;

    /// <summary>
    /// The mode of what is made, and its access ACL, or null if the mode says all. With a default ACL the umask counts
    /// for nothing; the mode that was asked for restrains the owner, the mask (or else the group) and the others.
    /// </summary>
    public static (uint Mode, AccessControlList? Acl) Inherit(AccessControlList? parentDefault, uint mode, uint umask)
    {
        if (parentDefault == null)
        {
            return (mode & ~(umask & PermissionBits), null);
        }

        var asked = (Owner: (Access)((mode >> 6) & 7), Group: (Access)((mode >> 3) & 7), Other: (Access)(mode & 7));
        var list = parentDefault with
        {
            Owner = parentDefault.Owner & asked.Owner,
            Group = parentDefault.Mask == null ? parentDefault.Group & asked.Group : parentDefault.Group,
            Mask = parentDefault.Mask & asked.Group,
            Other = parentDefault.Other & asked.Other,
        };
        return ((mode & ~PermissionBits) | list.ModeBits, list.IsMinimal ? null : list);
    }
}
