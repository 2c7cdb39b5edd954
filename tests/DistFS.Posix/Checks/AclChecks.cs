using System.Buffers.Binary;

namespace DistFS.Posix.Checks;

/// <summary>POSIX.1e draft access control lists, as acl(5) describes them, through their extended attributes.</summary>
public static class AclChecks
{
    private const string Access = "system.posix_acl_access";
    private const string Default = "system.posix_acl_default";
    private const ushort UserObject = 1;
    private const ushort NamedUser = 2;
    private const ushort GroupObject = 4;
    private const ushort NamedGroup = 8;
    private const ushort Mask = 16;
    private const ushort Other = 32;
    private const uint NoId = uint.MaxValue;

    [Check("acl(5): a named user and a named group are let in, cut by the mask", Needs = Needs.OtherUsers)]
    public static void NamedEntriesDecide(CheckContext c)
    {
        var path = c.Create("f", "content", Octal(600));
        c.Optional(SetXAttr(path, Access, List(
            (UserObject, 6, NoId), (NamedUser, 4, 70001u), (GroupObject, 0, NoId), (NamedGroup, 6, 70009u),
            (Mask, 6, NoId), (Other, 0, NoId))));
        User.Alice.Run(() =>
        {
            c.Equal("content", c.ReadAll(path));
            c.Fails(EACCES, Sys.Open(path, O_WRONLY));
        });
        new User(70002, 70002, [70009]).Run(() => Sys.Close((int)c.Ok(Sys.Open(path, O_RDWR))));
        User.Bob.Run(() => c.Fails(EACCES, Sys.Open(path, O_RDONLY)));
        c.Equal(Octal(660), c.StatOf(path).Permissions, "the group bits show the mask");
        c.Ok(ChMod(path, Octal(640)));
        new User(70002, 70002, [70009]).Run(() =>
        {
            c.Fails(EACCES, Sys.Open(path, O_RDWR), "the mask cuts");
            c.Equal("content", c.ReadAll(path));
        });
    }

    [Check("acl(5): a named user's entry is decisive even if it gives less than others get", Needs = Needs.OtherUsers)]
    public static void ANamedUserMayGetLess(CheckContext c)
    {
        var path = c.Create("f", "content", Octal(644));
        c.Optional(SetXAttr(path, Access, List(
            (UserObject, 6, NoId), (NamedUser, 0, 70001u), (GroupObject, 4, NoId), (Mask, 4, NoId), (Other, 4, NoId))));
        User.Alice.Run(() => c.Fails(EACCES, Sys.Open(path, O_RDONLY)));
        User.Bob.Run(() => c.Equal("content", c.ReadAll(path)));
    }

    [Check("acl(5): a default list is inherited by files and directories, and replaces the mask of the process")]
    public static void DefaultsAreInherited(CheckContext c)
    {
        var directory = c.Directory("d");
        var list = List(
            (UserObject, 7, NoId), (NamedUser, 6, 70001u), (GroupObject, 5, NoId), (Mask, 7, NoId), (Other, 0, NoId));
        c.Optional(SetXAttr(directory, Default, list));
        User.WithOwnMask(Octal(77), () =>
        {
            c.Open(c.At("d/f"), O_WRONLY | O_CREAT, Octal(666));
            c.Ok(MkDir(c.At("d/e"), Octal(777)));
        });
        c.Equal(Octal(660), c.StatOf(c.At("d/f")).Permissions);
        c.Equal(Octal(770), c.StatOf(c.At("d/e")).Permissions);
        var buffer = new byte[256];
        c.Equal((long)list.Length, c.Ok(GetXAttr(c.At("d/f"), Access, buffer)));
        c.Equal((long)list.Length, c.Ok(GetXAttr(c.At("d/e"), Default, buffer)));
        c.Same(list, buffer.AsSpan(0, list.Length));
        c.Fails(ENODATA, GetXAttr(c.At("d/f"), Default, buffer));
    }

    [Check("acl(5): a list that says no more than the mode is the mode")]
    public static void AMinimalListIsTheMode(CheckContext c)
    {
        var path = c.Create("f", "", Octal(644));
        c.Optional(SetXAttr(path, Access, List((UserObject, 7, NoId), (GroupObject, 1, NoId), (Other, 2, NoId))));
        c.Equal(Octal(712), c.StatOf(path).Permissions);
        c.Fails(ENODATA, GetXAttr(path, Access, new byte[256]));
    }

    [Check("acl(5) [EINVAL]: lists that are not lists; [EACCES] a default list of a file")]
    public static void BadListsAreRefused(CheckContext c)
    {
        var path = c.Create("f", "", Octal(644));
        var good = List((UserObject, 6, NoId), (GroupObject, 4, NoId), (Other, 4, NoId));
        c.Optional(SetXAttr(path, Access, good));
        c.Fails(EINVAL, SetXAttr(path, Access, good.AsSpan(0, 11)), "half an entry");
        c.Fails(EINVAL, SetXAttr(path, Access, List((UserObject, 6, NoId), (Other, 4, NoId))), "no group");
        c.Fails(EINVAL, SetXAttr(path, Access, List(
            (UserObject, 6, NoId), (NamedUser, 4, 1u), (GroupObject, 4, NoId), (Other, 4, NoId))), "no mask");
        c.Fails(EINVAL, SetXAttr(path, Access, List((UserObject, 64, NoId), (GroupObject, 4, NoId), (Other, 4, NoId))));
        c.Fails(EACCES, SetXAttr(path, Default, good));
        c.Equal(Octal(644), c.StatOf(path).Permissions);
    }

    [Check("acl(5) [EPERM]: only the owner changes the list", Needs = Needs.OtherUsers)]
    public static void OnlyTheOwnerChangesIt(CheckContext c)
    {
        var path = c.Create("f", "", Octal(666));
        var list = List((UserObject, 6, NoId), (GroupObject, 4, NoId), (Other, 4, NoId));
        c.Optional(SetXAttr(path, Access, list));
        User.Alice.Run(() => c.Fails(EPERM, SetXAttr(path, Access, list)));
    }

    /// <summary>
    /// linux/posix_acl_xattr.h: version 2, then tag, permissions and id of each entry, little-endian.
    /// </summary>
    private static byte[] List(params ReadOnlySpan<(ushort Tag, int Permissions, uint Id)> entries)
    {
        var bytes = new byte[4 + (8 * entries.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, 2);
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = bytes.AsSpan(4 + (8 * i));
            BinaryPrimitives.WriteUInt16LittleEndian(entry, entries[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], (ushort)entries[i].Permissions);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], entries[i].Id);
        }

        return bytes;
    }
}
