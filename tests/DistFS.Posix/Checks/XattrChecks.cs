namespace DistFS.Posix.Checks;

/// <summary>Extended attributes: xattr(7).</summary>
public static class XattrChecks
{
    [Check("setxattr(2), getxattr(2), listxattr(2), removexattr(2): files and directories; any bytes; empty values")]
    public static void ValuesAreKept(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        foreach (var name in (string[])["file", "dir"])
        {
            var path = c.At(name);
            c.Optional(SetXAttr(path, "user.a", "value"u8));
            c.Ok(SetXAttr(path, "user.b", [0, 1, 0xFF, 0]));
            c.Ok(SetXAttr(path, "user.empty", []));
            c.Equal("value", Get(c, path, "user.a"));
            c.Equal("\0\u0001\xff\0", Get(c, path, "user.b"));
            c.Equal("", Get(c, path, "user.empty"));
            c.Equal("user.a user.b user.empty", List(c, path));
            c.Ok(SetXAttr(path, "user.a", "other"u8));
            c.Equal("other", Get(c, path, "user.a"));
            c.Ok(RemoveXAttr(path, "user.a"));
            c.Equal("user.b user.empty", List(c, path));
            c.Fails(ENODATA, GetXAttr(path, "user.a", new byte[8]));
            c.Fails(ENODATA, RemoveXAttr(path, "user.a"));
        }
    }

    [Check("setxattr(2) XATTR_CREATE [EEXIST], XATTR_REPLACE [ENODATA]")]
    public static void CreateAndReplace(CheckContext c)
    {
        var path = c.Create("f");
        c.Optional(SetXAttr(path, "user.a", "1"u8, XATTR_CREATE));
        c.Fails(EEXIST, SetXAttr(path, "user.a", "2"u8, XATTR_CREATE));
        c.Fails(ENODATA, SetXAttr(path, "user.b", "2"u8, XATTR_REPLACE));
        c.Ok(SetXAttr(path, "user.a", "3"u8, XATTR_REPLACE));
        c.Fails(EINVAL, SetXAttr(path, "user.a", "4"u8, 64));
        c.Equal(("3", "user.a"), (Get(c, path, "user.a"), List(c, path)));
    }

    [Check("getxattr(2), listxattr(2) [ERANGE]: a buffer too small; size 0 asks for the size")]
    public static void SizesAreAskedFor(CheckContext c)
    {
        var path = c.Create("f");
        c.Optional(SetXAttr(path, "user.abc", "value"u8));
        c.Equal(5L, c.Ok(GetXAttr(path, "user.abc", [])));
        c.Equal(9L, c.Ok(ListXAttr(path, [])));
        c.Fails(ERANGE, GetXAttr(path, "user.abc", new byte[4]));
        c.Fails(ERANGE, ListXAttr(path, new byte[8]));
    }

    [Check("xattr(7): names of 255 bytes; [ERANGE] longer; [EOPNOTSUPP] unknown namespaces; [EINVAL] no name")]
    public static void NamesHaveLimits(CheckContext c)
    {
        var path = c.Create("f");
        var name = "user." + new string('n', 250);
        c.Optional(SetXAttr(path, name, "value"u8));
        c.Equal("value", Get(c, path, name));
        c.Fails(ERANGE, SetXAttr(path, name + "n", "value"u8));
        c.Fails(EOPNOTSUPP, SetXAttr(path, "unknown.a", "value"u8));
        c.Fails(EOPNOTSUPP, SetXAttr(path, "a", "value"u8));
        c.FailsWithOneOf([EINVAL, EOPNOTSUPP], SetXAttr(path, "user.", "value"u8));
        c.Fails(ERANGE, SetXAttr(path, "", "value"u8));
        c.FailsWithOneOf([E2BIG, ENOSPC, ERANGE], SetXAttr(path, "user.big", new byte[65537]));
    }

    [Check("xattr(7): a value of 3,000 bytes, and twenty attributes of one file")]
    public static void SeveralAttributes(CheckContext c)
    {
        var path = c.Create("f");
        c.Optional(SetXAttr(path, "user.large", new byte[2000]));
        for (var i = 0; i < 20; i++)
        {
            c.Ok(SetXAttr(path, $"user.{i:D2}", Bytes($"value {i}")));
        }

        for (var i = 0; i < 20; i++)
        {
            c.Equal($"value {i}", Get(c, path, $"user.{i:D2}"));
        }

        c.Equal(2000L, c.Ok(GetXAttr(path, "user.large", [])));
        c.Equal(21, List(c, path).Split(' ').Length);
    }

    [Check("xattr(7): belong to the inode: all names, after rename, by descriptor without a name; not to a new file")]
    public static void AttributesFollowTheInode(CheckContext c)
    {
        var path = c.Create("f");
        c.Optional(SetXAttr(path, "user.a", "value"u8));
        c.Ok(Link(path, c.At("g")));
        c.Ok(Rename(path, c.At("h")));
        c.Equal(("value", "value"), (Get(c, c.At("g"), "user.a"), Get(c, c.Second("h"), "user.a")));
        var fd = c.Open(c.At("g"), O_RDWR);
        c.Ok(Unlink(c.At("g")));
        c.Ok(Unlink(c.At("h")));
        var buffer = new byte[16];
        c.Equal(5L, c.Ok(FGetXAttr(fd, "user.a", buffer)));
        c.Fails(ENODATA, GetXAttr(c.Create("f"), "user.a", buffer));
    }

    [Check("xattr(7) [EPERM]: user attributes are for files and directories only")]
    public static void OtherKindsAreEperm(CheckContext c)
    {
        c.Optional(SetXAttr(c.Create("f"), "user.a", "x"u8));
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        c.Ok(SymLink("f", c.At("l")));
        c.Fails(EPERM, SetXAttr(c.At("p"), "user.a", "x"u8));
        c.Fails(EPERM, SetXAttr(c.At("l"), "user.a", "x"u8));
    }

    [Check("xattr(7) [EACCES]: user attributes follow the mode; [EPERM] trusted ones are root's",
        Needs = Needs.OtherUsers)]
    public static void AttributesNeedPermission(CheckContext c)
    {
        var path = c.Create("f", "", Octal(644));
        c.Optional(SetXAttr(path, "user.a", "value"u8));
        c.Ok(SetXAttr(path, "trusted.t", "secret"u8));
        c.Create("closed", "", Octal(600));
        c.Ok(SetXAttr(c.At("closed"), "user.a", "value"u8));
        User.Alice.Run(() =>
        {
            c.Equal("value", Get(c, path, "user.a"));
            c.Fails(EACCES, SetXAttr(path, "user.a", "x"u8));
            c.Fails(EACCES, RemoveXAttr(path, "user.a"));
            c.Fails(EACCES, GetXAttr(c.At("closed"), "user.a", new byte[8]));
            c.Fails(EPERM, SetXAttr(path, "trusted.t", "x"u8));
            c.Fails(ENODATA, GetXAttr(path, "trusted.t", new byte[8]));
            c.Equal("user.a", List(c, path));
        });
    }

    [Check("setxattr(2): marks ctime only")]
    public static void MarksCtime(CheckContext c)
    {
        var path = c.Create("f");
        var before = c.StatOf(path);
        var tick = c.NextTick(before.Ctime);
        c.Optional(SetXAttr(path, "user.a", "value"u8));
        c.True(c.StatOf(path).Ctime >= tick, "ctime");
        c.Equal(before.Mtime, c.StatOf(path).Mtime);
    }

    private static string Get(CheckContext c, string path, string name)
    {
        var buffer = new byte[65536];
        var size = (int)c.Ok(GetXAttr(path, name, buffer), $"getxattr(\"{path}\", \"{name}\")");
        return System.Text.Encoding.Latin1.GetString(buffer, 0, size);
    }

    /// <summary>The names of the user namespace: others (security labels) may be there too.</summary>
    private static string List(CheckContext c, string path)
    {
        var buffer = new byte[65536];
        var size = (int)c.Ok(ListXAttr(path, buffer), $"listxattr(\"{path}\")");
        return string.Join(' ', System.Text.Encoding.Latin1.GetString(buffer, 0, size)
            .Split('\0').Where(n => n.StartsWith("user.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }
}
