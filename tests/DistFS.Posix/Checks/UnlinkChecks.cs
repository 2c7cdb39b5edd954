namespace DistFS.Posix.Checks;

/// <summary>unlink(2).</summary>
public static class UnlinkChecks
{
    [Check("POSIX unlink: every kind of name but a directory's")]
    public static void RemovesEachKind(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(MkFifo(c.At("fifo"), Octal(644)));
        c.Ok(MkNod(c.At("sock"), S_IFSOCK | Octal(644)));
        c.Ok(SymLink("dir", c.At("to-dir")));
        c.Ok(SymLink("nowhere", c.At("dangling")));
        foreach (var name in (string[])["file", "fifo", "sock", "to-dir", "dangling"])
        {
            c.Ok(Unlink(c.At(name)), $"unlink {name}");
            c.Fails(ENOENT, TryLStat(c.At(name)), name);
            c.Fails(ENOENT, Unlink(c.At(name)), name);
        }

        c.Equal("dir", string.Join(' ', c.Names(c.Dir)));
    }

    [Check("unlink(2) [EISDIR]: a directory (POSIX: EPERM; Linux says EISDIR)")]
    public static void ADirectoryIsEisdir(CheckContext c)
    {
        c.Directory("d");
        c.Fails(EISDIR, Unlink(c.At("d")));
        c.Fails(EISDIR, Unlink(c.At("d/.")));
        c.Ok(TryStat(c.At("d")));
    }

    [Check("unlinkat(2): AT_REMOVEDIR is rmdir")]
    public static void UnlinkAtRemovesDirectories(CheckContext c)
    {
        c.Directory("d");
        c.Create("f");
        var directory = c.Open(c.Dir, O_RDONLY | O_DIRECTORY);
        c.Fails(ENOTDIR, UnlinkAt(directory, "f", AT_REMOVEDIR));
        c.Fails(EISDIR, UnlinkAt(directory, "d", 0));
        c.Fails(EINVAL, UnlinkAt(directory, "d", 1));
        c.Ok(UnlinkAt(directory, "d", AT_REMOVEDIR));
        c.Ok(UnlinkAt(directory, "f", 0));
        c.Equal(0, c.Names(c.Dir).Count);
    }

    [Check("POSIX unlink [EACCES]: no write permission in the directory", Needs = Needs.OtherUsers)]
    public static void WithoutWritePermissionIsEacces(CheckContext c)
    {
        c.Directory("d", Octal(755));
        c.Create("d/f", "", Octal(666));
        c.Ok(ChOwn(c.At("d/f"), 70001, 70001));
        User.Alice.Run(() => c.Fails(EACCES, Unlink(c.At("d/f")), "the owner of the file"));
        c.Ok(ChMod(c.At("d"), Octal(777)));
        c.Ok(ChMod(c.At("d/f"), 0));
        User.Bob.Run(() => c.Ok(Unlink(c.At("d/f"))));
    }

    [Check("POSIX unlink: marks the directory's times, and ctime of a file that is left")]
    public static void MarksTimes(CheckContext c)
    {
        c.Create("a");
        c.Ok(Link(c.At("a"), c.At("b")));
        var tick = c.NextTick(c.StatOf(c.Dir).Mtime);
        c.Ok(Unlink(c.At("a")));
        c.True(c.StatOf(c.Dir).Mtime >= tick && c.StatOf(c.Dir).Ctime >= tick, "directory");
        c.True(c.StatOf(c.At("b")).Ctime >= tick, "file");
    }

    [Check("POSIX unlink: a name that is made again is another file")]
    public static void ANameMadeAgainIsAnotherFile(CheckContext c)
    {
        var path = c.Create("f", "old");
        var old = c.Open(path, O_RDONLY);
        c.Ok(Unlink(path));
        c.Create("f", "new");
        c.Equal(("old", "new"), (c.ReadAll(old), c.ReadAll(path)));
        c.True(c.StatOf(old).Inode != c.StatOf(path).Inode, "an inode in use is not given again");
    }
}
