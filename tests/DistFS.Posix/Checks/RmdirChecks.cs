namespace DistFS.Posix.Checks;

/// <summary>rmdir(2).</summary>
public static class RmdirChecks
{
    [Check("POSIX rmdir: removes an empty directory")]
    public static void RemovesAnEmptyDirectory(CheckContext c)
    {
        c.Directory("d");
        c.Ok(Sys.RmDir(c.At("d")));
        c.Fails(ENOENT, TryLStat(c.At("d")));
        c.Fails(ENOENT, Sys.RmDir(c.At("d")));
    }

    [Check("POSIX rmdir [ENOTEMPTY] or [EEXIST]: with anything in it")]
    public static void AFullDirectoryIsEnotempty(CheckContext c)
    {
        foreach (var (name, make) in (ReadOnlySpan<(string, Func<string, Outcome>)>)
            [
                ("file", p => MkNod(p, S_IFREG | Octal(644))),
                ("dir", p => MkDir(p, Octal(755))),
                ("link", p => SymLink("nowhere", p)),
                ("fifo", p => MkFifo(p, Octal(644))),
                ("sock", p => MkNod(p, S_IFSOCK | Octal(644))),
            ])
        {
            c.Directory(name);
            c.Ok(make(c.At($"{name}/x")), $"make {name}");
            c.FailsWithOneOf([ENOTEMPTY, EEXIST], Sys.RmDir(c.At(name)), name);
            c.Equal("x", string.Join(' ', c.Names(c.At(name))));
        }
    }

    [Check("POSIX rmdir [ENOTDIR]: what is no directory")]
    public static void OthersAreEnotdir(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(MkFifo(c.At("fifo"), Octal(644)));
        c.Ok(SymLink("dir", c.At("link")));
        foreach (var name in (string[])["file", "fifo", "link", "link/"])
        {
            c.Fails(ENOTDIR, Sys.RmDir(c.At(name)), name);
        }
    }

    [Check("POSIX rmdir [EINVAL]: a path that ends in `.`; [ENOTEMPTY]: in `..`")]
    public static void DotsAreRefused(CheckContext c)
    {
        c.Directory("d");
        c.Directory("d/e");
        c.Fails(EINVAL, Sys.RmDir(c.At("d/.")));
        c.FailsWithOneOf([ENOTEMPTY, EEXIST], Sys.RmDir(c.At("d/e/..")));
        c.Ok(TryStat(c.At("d/e")));
    }

    [Check("POSIX rmdir [EACCES], and as the owner of the parent", Needs = Needs.OtherUsers)]
    public static void WithoutWritePermissionIsEacces(CheckContext c)
    {
        c.Directory("d", Octal(755));
        c.Directory("d/e", Octal(777));
        User.Alice.Run(() => c.Fails(EACCES, Sys.RmDir(c.At("d/e"))));
        c.Ok(ChOwn(c.At("d"), 70001, 70001));
        User.Alice.Run(() => c.Ok(Sys.RmDir(c.At("d/e"))));
    }

    [Check("POSIX rmdir: a directory that is open takes no new entries and lists none")]
    public static void AnOpenDirectoryIsEmptyAndClosed(CheckContext c)
    {
        var directory = c.Open(c.Directory("d"), O_RDONLY | O_DIRECTORY);
        c.Ok(Sys.RmDir(c.At("d")));
        c.Fails(ENOENT, OpenAt(directory, "x", O_WRONLY | O_CREAT, Octal(644)));
        c.Fails(ENOENT, MkDirAt(directory, "x", Octal(755)));
        var entries = new List<DirectoryEntry>();
        var read = GetDEnts(directory, entries);
        c.True(read.Error == ENOENT || entries.TrueForAll(e => e.Name is "." or ".."), "no entries");
        c.Equal(S_IFDIR, c.StatOf(directory).Type);
        c.True(c.StatOf(directory).Links <= 1, "no links");
    }

    [Check("POSIX rmdir: marks the times of the parent")]
    public static void MarksTimes(CheckContext c)
    {
        c.Directory("d");
        var tick = c.NextTick(c.StatOf(c.Dir).Mtime);
        c.Ok(Sys.RmDir(c.At("d")));
        c.True(c.StatOf(c.Dir).Mtime >= tick && c.StatOf(c.Dir).Ctime >= tick, "parent");
    }
}
