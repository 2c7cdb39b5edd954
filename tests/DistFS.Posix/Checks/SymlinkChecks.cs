namespace DistFS.Posix.Checks;

/// <summary>symlink(2) and readlink(2).</summary>
public static class SymlinkChecks
{
    [Check("POSIX symlink: any target, kept byte for byte; its size is the length of the target")]
    public static void TargetsAreKept(CheckContext c)
    {
        var i = 0;
        foreach (var target in (string[])
            ["x", "../x", "/", "/absolute/path", "with space", "a\xff\xfe\x80z", "new\nline", new string('t', 255),
                new string('t', 1023)])
        {
            var path = c.At($"l{i++}");
            c.Ok(SymLink(target, path));
            c.Equal(target, ReadLink(path));
            c.Equal((S_IFLNK, (long)target.Length), (c.LStatOf(path).Type, c.LStatOf(path).Size));
        }
    }

    [Check("symlink(2): a target of PATH_MAX - 1 bytes; [ENAMETOOLONG] above")]
    public static void TheLongestTarget(CheckContext c)
    {
        var target = new string('t', PATH_MAX - 1);
        c.Fails(ENAMETOOLONG, SymLink(target + "t", c.At("too-long")));
        var made = SymLink(target, c.At("l"));
        if (made.Error == ENAMETOOLONG)
        {
            CheckContext.NotRun("targets of 4,095 bytes do not fit a block here (ENAMETOOLONG)");
        }

        c.Ok(made);
        c.Equal(target, ReadLink(c.At("l")));
    }

    [Check("symlink(2) [ENOENT]: the empty target")]
    public static void TheEmptyTargetIsEnoent(CheckContext c) => c.Fails(ENOENT, SymLink("", c.At("l")));

    [Check("POSIX symlink [EEXIST]")]
    public static void OnAnythingIsEexist(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(SymLink("nowhere", c.At("dangling")));
        foreach (var name in (string[])["file", "dir", "dangling"])
        {
            c.Fails(EEXIST, SymLink("x", c.At(name)), name);
        }
    }

    [Check("POSIX readlink: cuts without a word; [EINVAL] what is no link, or no room")]
    public static void ReadlinkCutsAndRefuses(CheckContext c)
    {
        c.Create("file");
        c.Ok(SymLink("target", c.At("l")));
        var buffer = new byte[3];
        c.Equal(3L, c.Ok(ReadLink(c.At("l"), buffer)));
        c.Same("tar"u8, buffer);
        c.Fails(EINVAL, ReadLink(c.At("l"), []));
        c.Fails(EINVAL, ReadLink(c.At("file"), buffer));
        c.Fails(EINVAL, ReadLink(c.Dir, buffer));
        c.Fails(ENOENT, ReadLink(c.At("x"), buffer));
    }

    [Check("POSIX 4.13: links to files, directories and links are followed")]
    public static void LinksAreFollowed(CheckContext c)
    {
        c.Directory("d");
        c.Create("d/f", "content");
        c.Ok(SymLink("d", c.At("to-d")));
        c.Ok(SymLink("to-d/f", c.At("to-f")));
        c.Ok(SymLink(c.At("to-f"), c.At("absolute")));
        c.Ok(SymLink("../to-f", c.At("d/up")));
        foreach (var path in (string[])["to-d/f", "to-f", "absolute", "d/up", "to-d/up", "to-d/../to-d/f"])
        {
            c.Equal("content", c.ReadAll(c.At(path)), path);
        }
    }

    [Check("path_resolution(7): 40 links are followed, 41 are ELOOP")]
    public static void FortyLinksAreFollowed(CheckContext c)
    {
        c.Create("l0", "content");
        for (var i = 1; i <= 41; i++)
        {
            c.Ok(SymLink($"l{i - 1}", c.At($"l{i}")));
        }

        c.Equal("content", c.ReadAll(c.At("l40")));
        c.Fails(ELOOP, TryStat(c.At("l41")));
    }

    [Check("symlink(7): permissions are 0777 whatever the mask; the owner is the caller", Needs = Needs.OtherUsers)]
    public static void LinksBelongToWhoMakesThem(CheckContext c)
    {
        c.Ok(ChMod(c.Dir, Octal(777)));
        User.Alice.Run(() => c.Ok(SymLink("x", c.At("l"))));
        var stat = c.LStatOf(c.At("l"));
        c.Equal((70001u, 70001u, Octal(777)), (stat.Uid, stat.Gid, stat.Permissions));
    }

    [Check("POSIX symlink: marks the times of the directory")]
    public static void MarksTimes(CheckContext c)
    {
        var tick = c.NextTick(c.StatOf(c.Dir).Mtime);
        c.Ok(SymLink("x", c.At("l")));
        c.True(c.StatOf(c.Dir).Mtime >= tick, "directory");
        c.True(c.LStatOf(c.At("l")).Mtime >= tick, "link");
    }
}
