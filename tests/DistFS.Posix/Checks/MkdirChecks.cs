namespace DistFS.Posix.Checks;

/// <summary>mkdir(2).</summary>
public static class MkdirChecks
{
    [Check("POSIX mkdir: a directory with the mode given, owned by the caller, empty but for `.` and `..`")]
    public static void MakesAnEmptyDirectory(CheckContext c)
    {
        foreach (var mode in (int[])[0, 700, 755, 777, 1777, 500])
        {
            var path = c.At($"d{mode}");
            c.Ok(MkDir(path, Octal(mode)));
            var stat = c.LStatOf(path);
            c.Equal((S_IFDIR, Octal(mode), GetEUid()), (stat.Type, stat.Permissions, stat.Uid), $"{mode}");
        }

        c.Equal(0, c.Names(c.At("d755")).Count);
        var inodes = (c.StatOf(c.At("d755")).Inode, c.StatOf(c.Dir).Inode);
        c.Equal(inodes, (c.StatOf(c.At("d755/.")).Inode, c.StatOf(c.At("d755/..")).Inode));
    }

    [Check("POSIX mkdir [EEXIST]: whatever has the name")]
    public static void OnAnythingIsEexist(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(MkFifo(c.At("fifo"), Octal(644)));
        c.Ok(SymLink("dir", c.At("link")));
        c.Ok(SymLink("nowhere", c.At("dangling")));
        foreach (var name in (string[])["file", "dir", "fifo", "link", "dangling", ".", "..", "dir/."])
        {
            c.Fails(EEXIST, MkDir(c.At(name), Octal(755)), name);
        }

        c.True(LStat(c.At("nowhere")) is null, "a dangling link was not followed");
    }

    [Check("POSIX mkdir [EACCES]: no write permission in the parent", Needs = Needs.OtherUsers)]
    public static void WithoutWritePermissionIsEacces(CheckContext c)
    {
        c.Directory("d", Octal(755));
        User.Alice.Run(() => c.Fails(EACCES, MkDir(c.At("d/x"), Octal(755))));
        c.Ok(ChMod(c.At("d"), Octal(777)));
        User.Alice.Run(() => c.Ok(MkDir(c.At("d/x"), Octal(755))));
        c.Equal((70001u, 70001u), (c.StatOf(c.At("d/x")).Uid, c.StatOf(c.At("d/x")).Gid));
    }

    [Check("POSIX mkdir: the times of the directory and of its parent are marked")]
    public static void MarksTimes(CheckContext c)
    {
        var before = c.StatOf(c.Dir);
        var tick = c.NextTick(before.Mtime);
        c.Ok(MkDir(c.At("d"), Octal(755)));
        var (parent, made) = (c.StatOf(c.Dir), c.StatOf(c.At("d")));
        c.True(parent.Mtime >= tick && parent.Ctime >= tick, "parent");
        c.True(made.Mtime >= tick && made.Ctime >= tick && made.Atime >= tick, "directory");
    }

    [Check("mkdirat(2): relative to an open directory")]
    public static void MkdirAtIsRelative(CheckContext c)
    {
        var directory = c.Open(c.Directory("d"), O_RDONLY | O_DIRECTORY);
        c.Ok(MkDirAt(directory, "e", Octal(755)));
        c.Equal(S_IFDIR, c.StatOf(c.At("d/e")).Type);
        c.Fails(EEXIST, MkDirAt(directory, "e", Octal(755)));
        c.Ok(Sys.RmDir(c.At("d/e")));
        c.Ok(Sys.RmDir(c.At("d")));
        c.Fails(ENOENT, MkDirAt(directory, "e", Octal(755)));
    }

    [Check("POSIX mkdir: 64 levels deep")]
    public static void DirectoriesNest(CheckContext c)
    {
        var path = c.Dir;
        for (var level = 0; level < 64; level++)
        {
            path += $"/{level}";
            c.Ok(MkDir(path, Octal(755)));
        }

        c.Equal(S_IFDIR, c.StatOf(path).Type);
    }
}
