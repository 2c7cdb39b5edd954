namespace DistFS.Posix.Checks;

/// <summary>link(2): more names for one inode.</summary>
public static class LinkChecks
{
    [Check("POSIX link: both names are the same file, and its links are counted")]
    public static void BothNamesAreTheFile(CheckContext c)
    {
        var a = c.Create("a", "content", Octal(640));
        c.Ok(Link(a, c.At("b")));
        var (first, second) = (c.StatOf(a), c.StatOf(c.At("b")));
        c.Equal(first, second);
        c.Equal(2u, first.Links);
        c.Ok(Sys.Truncate(c.At("b"), 3));
        c.Equal("con", c.ReadAll(a));
        c.Ok(ChMod(a, Octal(600)));
        c.Equal(Octal(600), c.StatOf(c.At("b")).Permissions);
        c.Ok(Unlink(a));
        c.Equal((1u, "con"), (c.StatOf(c.At("b")).Links, c.ReadAll(c.At("b"))));
    }

    [Check("POSIX link [EEXIST]: whatever has the new name")]
    public static void OnAnythingIsEexist(CheckContext c)
    {
        var file = c.Create("file");
        c.Create("other");
        c.Directory("dir");
        c.Ok(SymLink("nowhere", c.At("dangling")));
        foreach (var name in (string[])["file", "other", "dir", "dangling"])
        {
            c.Fails(EEXIST, Link(file, c.At(name)), name);
        }

        c.Equal(1u, c.StatOf(file).Links);
    }

    [Check("POSIX link [EPERM]: a directory")]
    public static void ADirectoryIsEperm(CheckContext c)
    {
        c.Directory("d");
        c.Fails(EPERM, Link(c.At("d"), c.At("e")));
        c.Fails(EPERM, Link(c.At("."), c.At("e")));
    }

    [Check("POSIX link [ENOENT]: no such file; a dangling link followed")]
    public static void AMissingFileIsEnoent(CheckContext c)
    {
        c.Ok(SymLink("nowhere", c.At("dangling")));
        c.Fails(ENOENT, Link(c.At("x"), c.At("y")));
        c.Fails(ENOENT, Link(c.At("dangling"), c.At("y"), AT_SYMLINK_FOLLOW));
    }

    [Check("linkat(2): a symbolic link itself, or with AT_SYMLINK_FOLLOW what it leads to")]
    public static void SymbolicLinksAreLinkedOrFollowed(CheckContext c)
    {
        c.Create("f");
        c.Ok(SymLink("f", c.At("s")));
        c.Ok(Link(c.At("s"), c.At("hard-s")));
        c.Equal((S_IFLNK, "f"), (c.LStatOf(c.At("hard-s")).Type, ReadLink(c.At("hard-s"))));
        c.Equal(2u, c.LStatOf(c.At("s")).Links);
        c.Ok(Link(c.At("s"), c.At("hard-f"), AT_SYMLINK_FOLLOW));
        c.Equal(c.StatOf(c.At("f")).Inode, c.LStatOf(c.At("hard-f")).Inode);
    }

    [Check("link(2): special files too")]
    public static void SpecialFilesHaveLinks(CheckContext c)
    {
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        c.Ok(Link(c.At("p"), c.At("q")));
        c.Equal((S_IFIFO, 2u), (c.LStatOf(c.At("q")).Type, c.LStatOf(c.At("q")).Links));
    }

    [Check("POSIX link: marks ctime of the file, mtime and ctime of the directory")]
    public static void MarksTimes(CheckContext c)
    {
        var a = c.Create("a");
        var before = c.StatOf(a);
        var tick = c.NextTick(before.Ctime);
        c.Ok(Link(a, c.At("b")));
        c.True(c.StatOf(a).Ctime >= tick, "ctime of the file");
        c.Equal(before.Mtime, c.StatOf(a).Mtime);
        c.True(c.StatOf(c.Dir).Mtime >= tick && c.StatOf(c.Dir).Ctime >= tick, "directory");
        tick = c.NextTick(c.StatOf(a).Ctime);
        c.Ok(Unlink(c.At("b")));
        c.True(c.StatOf(a).Ctime >= tick, "ctime after unlink");
    }

    [Check("POSIX link [EACCES]: no write permission in the directory", Needs = Needs.OtherUsers)]
    public static void WithoutWritePermissionIsEacces(CheckContext c)
    {
        c.Directory("mine", Octal(777));
        c.Directory("closed", Octal(755));
        User.Alice.Run(() =>
        {
            c.Create("mine/f");
            c.Fails(EACCES, Link(c.At("mine/f"), c.At("closed/f")));
            c.Ok(Link(c.At("mine/f"), c.At("mine/g")));
        });
    }

    [Check("link(2): 1,000 links of one file")]
    public static void AThousandLinks(CheckContext c)
    {
        var file = c.Create("f");
        for (var i = 0; i < 1000; i++)
        {
            c.Ok(Link(file, c.At($"l{i}")));
        }

        c.Equal(1001u, c.StatOf(file).Links);
    }
}
