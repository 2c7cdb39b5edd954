namespace DistFS.Posix.Checks;

/// <summary>open(2): its flags, what they make, what they refuse.</summary>
public static class OpenChecks
{
    [Check("POSIX open: O_CREAT makes a regular file with the mode given, owned by the caller")]
    public static void CreatMakesAFileWithItsMode(CheckContext c)
    {
        foreach (var mode in (int[])[0, 400, 200, 644, 600, 755, 777, 1644])
        {
            var path = c.At($"m{mode}");
            c.Close(c.Open(path, O_WRONLY | O_CREAT, Octal(mode)));
            var stat = c.StatOf(path);
            c.Equal(S_IFREG, stat.Type, $"{mode}");
            c.Equal(Octal(mode), stat.Permissions, $"{mode}");
            c.Equal((0L, 1u, GetEUid()), (stat.Size, stat.Links, stat.Uid), $"{mode}");
        }
    }

    [Check("POSIX open: the mode is cut by the file mode creation mask")]
    public static void CreatIsCutByTheMask(CheckContext c) => User.WithOwnMask(Octal(27), () =>
    {
        c.Close(c.Open(c.At("f"), O_WRONLY | O_CREAT, Octal(666)));
        c.Equal(Octal(640), c.StatOf(c.At("f")).Permissions);
        c.Ok(MkDir(c.At("d"), Octal(777)));
        c.Equal(Octal(750), c.StatOf(c.At("d")).Permissions);
        c.Ok(MkFifo(c.At("p"), Octal(666)));
        c.Equal(Octal(640), c.StatOf(c.At("p")).Permissions);
    });

    [Check("POSIX open: O_CREAT on a file that exists opens it as it is")]
    public static void CreatOnAFileLeavesIt(CheckContext c)
    {
        var path = c.Create("f", "content", Octal(640));
        c.Close(c.Open(path, O_RDWR | O_CREAT, Octal(777)));
        c.Equal("content", c.ReadAll(path));
        c.Equal(Octal(640), c.StatOf(path).Permissions);
    }

    [Check("POSIX open [EEXIST]: O_CREAT and O_EXCL on any kind of name")]
    public static void ExclusiveOnAnythingIsEexist(CheckContext c)
    {
        MakeOneOfEach(c);
        foreach (var name in (string[])["file", "dir", "fifo", "to-file", "to-dir", "dangling"])
        {
            c.Fails(EEXIST, Sys.Open(c.At(name), O_WRONLY | O_CREAT | O_EXCL | O_NONBLOCK, Octal(644)), name);
        }

        c.True(LStat(c.At("nowhere")) is null, "a dangling link was not followed");
    }

    [Check("POSIX open: O_CREAT without O_EXCL follows a dangling symbolic link")]
    public static void CreatFollowsADanglingLink(CheckContext c)
    {
        MakeOneOfEach(c);
        c.Close(c.Open(c.At("dangling"), O_WRONLY | O_CREAT, Octal(600)));
        c.Equal(S_IFREG, c.LStatOf(c.At("nowhere")).Type);
        c.Equal(S_IFLNK, c.LStatOf(c.At("dangling")).Type);
    }

    [Check("POSIX open [ENOENT]: no O_CREAT and no file")]
    public static void AMissingFileIsEnoent(CheckContext c)
    {
        c.Ok(SymLink("nowhere", c.At("dangling")));
        foreach (var flags in (int[])[O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_WRONLY | O_APPEND, O_PATH])
        {
            c.Fails(ENOENT, Sys.Open(c.At("x"), flags), $"0x{flags:x}");
            c.Fails(ENOENT, Sys.Open(c.At("dangling"), flags), $"dangling 0x{flags:x}");
        }
    }

    [Check("POSIX open [EISDIR]: a directory opened for writing")]
    public static void WritingADirectoryIsEisdir(CheckContext c)
    {
        c.Directory("d");
        foreach (var flags in (int[])[O_WRONLY, O_RDWR, O_RDWR | O_TRUNC, O_WRONLY | O_APPEND, O_RDONLY | O_CREAT])
        {
            c.Fails(EISDIR, Sys.Open(c.At("d"), flags, Octal(644)), $"0x{flags:x}");
        }

        c.Fails(EISDIR, Read(c.Open(c.At("d"), O_RDONLY), new byte[16]));
    }

    [Check("open(2) O_DIRECTORY [ENOTDIR]")]
    public static void DirectoryFlagOnOthersIsEnotdir(CheckContext c)
    {
        MakeOneOfEach(c);
        foreach (var name in (string[])["file", "fifo", "to-file"])
        {
            c.Fails(ENOTDIR, Sys.Open(c.At(name), O_RDONLY | O_DIRECTORY | O_NONBLOCK), name);
        }

        c.Open(c.At("dir"), O_RDONLY | O_DIRECTORY);
        c.Open(c.At("to-dir"), O_RDONLY | O_DIRECTORY);
    }

    [Check("open(2) O_NOFOLLOW [ELOOP]")]
    public static void NoFollowOnALinkIsEloop(CheckContext c)
    {
        MakeOneOfEach(c);
        foreach (var name in (string[])["to-file", "to-dir", "dangling"])
        {
            c.Fails(ELOOP, Sys.Open(c.At(name), O_RDONLY | O_NOFOLLOW), name);
            c.Fails(ELOOP, Sys.Open(c.At(name), O_WRONLY | O_NOFOLLOW | O_CREAT, Octal(644)), name);
        }

        c.Fails(ENOTDIR, Sys.Open(c.At("to-dir"), O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
        c.Open(c.At("file"), O_RDONLY | O_NOFOLLOW);
        c.Create("dir/inner");
        c.Open(c.At("to-dir/inner"), O_RDONLY | O_NOFOLLOW);
    }

    [Check("POSIX open [ELOOP]: symbolic links that lead to each other")]
    public static void ALoopIsEloop(CheckContext c)
    {
        c.Ok(SymLink("b", c.At("a")));
        c.Ok(SymLink("a", c.At("b")));
        c.Ok(SymLink("self", c.At("self")));
        c.Fails(ELOOP, Sys.Open(c.At("a"), O_RDONLY));
        c.Fails(ELOOP, Sys.Open(c.At("b"), O_WRONLY | O_CREAT, Octal(644)));
        c.Fails(ELOOP, Sys.Open(c.At("self"), O_RDONLY));
    }

    [Check("POSIX open: O_TRUNC cuts to nothing and keeps mode and inode")]
    public static void TruncCuts(CheckContext c)
    {
        var path = c.Create("f", "content", Octal(640));
        var before = c.StatOf(path);
        var tick = c.NextTick(before.Mtime);
        c.Close(c.Open(path, O_WRONLY | O_TRUNC));
        var after = c.StatOf(path);
        c.Equal(0L, after.Size);
        c.Equal((before.Inode, before.Mode), (after.Inode, after.Mode));
        c.True(after.Mtime >= tick, "mtime moved");
        c.True(after.Ctime >= tick, "ctime moved");
    }

    [Check("POSIX open: O_TRUNC cuts what another descriptor has open")]
    public static void TruncIsSeenByOthers(CheckContext c)
    {
        var path = c.Create("f", "content");
        var other = c.Open(path, O_RDWR);
        c.Ok(LSeek(other, 4, SEEK_SET));
        c.Close(c.Open(path, O_WRONLY | O_TRUNC));
        c.Equal(0L, c.Ok(Read(other, new byte[16])));
        c.Ok(Write(other, "x"));
        c.Equal("\0\0\0\0x", c.ReadAll(path));
    }

    [Check("POSIX read, write [EBADF]: against the access mode")]
    public static void AccessModesAreKept(CheckContext c)
    {
        var path = c.Create("f", "content");
        var reader = c.Open(path, O_RDONLY);
        var writer = c.Open(path, O_WRONLY);
        c.Fails(EBADF, Write(reader, "x"));
        c.Fails(EBADF, PWrite(reader, "x", 0));
        c.Fails(EINVAL, FTruncate(reader, 0));
        c.Fails(EBADF, FAllocate(reader, 0, 0, 10));
        c.Fails(EBADF, Read(writer, new byte[8]));
        c.Fails(EBADF, PRead(writer, new byte[8], 0));
        c.Equal("content", c.ReadAll(path));
    }

    [Check("open(2) O_PATH: a descriptor that only names")]
    public static void PathDescriptorsOnlyName(CheckContext c)
    {
        var path = c.Create("f", "content", Octal(644));
        var fd = c.Open(path, O_PATH);
        c.Equal(7L, c.StatOf(fd).Size);
        c.Fails(EBADF, Read(fd, new byte[8]));
        c.Fails(EBADF, FChMod(fd, Octal(600)));
        c.Ok(SymLink("f", c.At("link")));
        c.Equal(S_IFLNK, c.StatOf(c.Open(c.At("link"), O_PATH | O_NOFOLLOW)).Type);
    }

    [Check("openat(2): relative to an open directory, wherever it has been moved")]
    public static void OpenAtFollowsTheDirectory(CheckContext c)
    {
        c.Directory("d");
        c.Create("d/f", "content");
        var directory = c.Open(c.At("d"), O_RDONLY | O_DIRECTORY);
        c.Ok(Rename(c.At("d"), c.At("moved")));
        c.Equal("content", c.ReadAll(c.Keep((int)c.Ok(OpenAt(directory, "f", O_RDONLY)))));
        c.Keep((int)c.Ok(OpenAt(directory, "new", O_WRONLY | O_CREAT, Octal(644))));
        c.Ok(TryStat(c.At("moved/new")));
        c.Fails(ENOENT, OpenAt(directory, "x", O_RDONLY));
        c.Fails(ENOTDIR, OpenAt(c.Open(c.At("moved/f"), O_RDONLY), "x", O_RDONLY));
        c.Fails(EBADF, OpenAt(9999, "x", O_RDONLY));
    }

    [Check("open(2) O_TMPFILE: a file without a name, that linkat names")]
    public static void TemporaryFilesCanBeNamed(CheckContext c)
    {
        var fd = c.Keep((int)c.Optional(Sys.Open(c.Dir, O_TMPFILE | O_RDWR, Octal(600))));
        c.Equal(0u, c.StatOf(fd).Links);
        c.Ok(Write(fd, "content"));
        c.Equal(0, c.Names(c.Dir).Count);
        c.Ok(LinkFd(fd, c.At("named")));
        c.Equal("content", c.ReadAll(c.At("named")));
        c.Equal(1u, c.StatOf(fd).Links);
        c.Fails(EEXIST, LinkFd(fd, c.At("named")));
    }

    [Check("open(2) O_TRUNC makes set-user-ID vanish for writers without rights; POSIX write",
        Needs = Needs.OtherUsers)]
    public static void WritingDropsSetUserId(CheckContext c)
    {
        c.Create("f", "content", Octal(6777));
        User.Alice.Run(() =>
        {
            var fd = c.Open(c.At("f"), O_WRONLY);
            c.Ok(Write(fd, "x"));
            c.Equal(Octal(777), c.StatOf(fd).Permissions);
        });
        c.Ok(ChMod(c.At("f"), Octal(6777)));
        User.Alice.Run(() =>
        {
            c.Open(c.At("f"), O_WRONLY | O_TRUNC);
            c.Equal(Octal(777), c.StatOf(c.At("f")).Permissions);
        });
    }

    private static void MakeOneOfEach(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(MkFifo(c.At("fifo"), Octal(644)));
        c.Ok(SymLink("file", c.At("to-file")));
        c.Ok(SymLink("dir", c.At("to-dir")));
        c.Ok(SymLink("nowhere", c.At("dangling")));
    }
}
