namespace DistFS.Posix.Checks;

/// <summary>Set-group-ID of directories: inode(7).</summary>
public static class SetgidChecks
{
    [Check("inode(7) S_ISGID: what is made in it has its group; directories the bit too", Needs = Needs.OtherUsers)]
    public static void TheGroupIsInherited(CheckContext c)
    {
        Prepare(c, Octal(2777));
        User.Alice.Run(() => MakeEach(c));
        foreach (var name in (string[])["file", "dir", "fifo", "link"])
        {
            c.Equal((70001u, 70003u), Owner(c, name), name);
        }

        c.Equal(Octal(2755), c.StatOf(c.At("d/dir")).Permissions);
        c.Equal(Octal(644), c.StatOf(c.At("d/file")).Permissions);
        User.Alice.Run(() => c.Ok(MkDir(c.At("d/dir/deeper"), Octal(700))));
        var deeper = c.StatOf(c.At("d/dir/deeper"));
        c.Equal((Octal(2700), 70003u), (deeper.Permissions, deeper.Gid));
    }

    [Check("inode(7): without S_ISGID what is made has the group of who makes it", Needs = Needs.OtherUsers)]
    public static void WithoutTheBitTheCallersGroup(CheckContext c)
    {
        Prepare(c, Octal(777));
        User.Alice.Run(() => MakeEach(c));
        foreach (var name in (string[])["file", "dir", "fifo", "link"])
        {
            c.Equal((70001u, 70001u), Owner(c, name), name);
        }
    }

    [Check("open(2), inode(7): an executable set-group-ID file cannot be made for a group that one is not in",
        Needs = Needs.OtherUsers)]
    public static void SetGroupIdIsNotGivenForOthersGroups(CheckContext c)
    {
        Prepare(c, Octal(2777));
        User.Alice.Run(() => c.Open(c.At("d/file"), O_WRONLY | O_CREAT, Octal(2755)));
        c.Equal(Octal(755), c.StatOf(c.At("d/file")).Permissions);
        new User(70002, 70002, [70003]).Run(() => c.Open(c.At("d/member"), O_WRONLY | O_CREAT, Octal(2755)));
        c.Equal(Octal(2755), c.StatOf(c.At("d/member")).Permissions);
    }

    [Check("inode(7): a moved file keeps its group", Needs = Needs.OtherUsers)]
    public static void AMovedFileKeepsItsGroup(CheckContext c)
    {
        Prepare(c, Octal(2777));
        c.Create("f");
        c.Ok(Rename(c.At("f"), c.At("d/f")));
        c.Equal(GetEGid(), c.StatOf(c.At("d/f")).Gid);
    }

    private static void Prepare(CheckContext c, int mode)
    {
        c.Directory("d", mode);
        c.Ok(ChOwn(c.At("d"), 0, 70003));
        c.Ok(ChMod(c.At("d"), mode));
    }

    private static void MakeEach(CheckContext c)
    {
        c.Open(c.At("d/file"), O_WRONLY | O_CREAT, Octal(644));
        c.Ok(MkDir(c.At("d/dir"), Octal(755)));
        c.Ok(MkFifo(c.At("d/fifo"), Octal(644)));
        c.Ok(SymLink("x", c.At("d/link")));
    }

    private static (uint Uid, uint Gid) Owner(CheckContext c, string name) =>
        (c.LStatOf(c.At($"d/{name}")).Uid, c.LStatOf(c.At($"d/{name}")).Gid);
}
