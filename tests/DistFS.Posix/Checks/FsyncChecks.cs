namespace DistFS.Posix.Checks;

/// <summary>fsync(2), fdatasync(2), syncfs(2), O_SYNC: what can be seen of them without a crash (see Ledger).</summary>
public static class FsyncChecks
{
    [Check("POSIX fsync: files and directories, whatever the access mode; [EBADF]; [EINVAL] a FIFO")]
    public static void WhatCanBeSynced(CheckContext c)
    {
        c.Create("f", "content");
        foreach (var flags in (int[])[O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_APPEND])
        {
            var fd = c.Open(c.At("f"), flags);
            c.Ok(FSync(fd));
            c.Ok(FDataSync(fd));
        }

        var directory = c.Open(c.Dir, O_RDONLY | O_DIRECTORY);
        c.Ok(FSync(directory));
        c.Ok(FDataSync(directory));
        c.Ok(SyncFs(directory));
        c.Fails(EBADF, FSync(9999));
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        c.Fails(EINVAL, FSync(c.Open(c.At("p"), O_RDWR)));
    }

    [Check("POSIX fsync: a file that has no name any more, or another one")]
    public static void NamesDoNotMatter(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Ok(Write(fd, "1"));
        c.Ok(Rename(c.At("f"), c.At("g")));
        c.Ok(FSync(fd));
        c.Ok(Unlink(c.At("g")));
        c.Ok(Write(fd, "2"));
        c.Ok(FSync(fd));
        c.Equal("12", c.ReadAll(fd));
    }

    [Check("POSIX fsync: size, content and times are the same before and after, also for other descriptors")]
    public static void SyncingChangesNothing(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.WriteAll(fd, Bytes(new string('x', 1_000_000)));
        var before = c.StatOf(fd);
        c.Ok(FSync(fd));
        var after = c.StatOf(c.At("f"));
        c.Equal((before.Size, before.Mtime, before.Ctime), (after.Size, after.Mtime, after.Ctime));
        c.Equal(new string('x', 1_000_000), c.ReadAll(c.Second("f")));
    }

    [Check("POSIX open O_SYNC, O_DSYNC: written as without them")]
    public static void SynchronousWritesArrive(CheckContext c)
    {
        foreach (var flag in (int[])[O_SYNC, O_DSYNC])
        {
            var fd = c.Open(c.At($"f{flag}"), O_WRONLY | O_CREAT | flag, Octal(644));
            for (var i = 0; i < 20; i++)
            {
                c.Ok(Write(fd, $"{i:D4}"));
            }

            c.Equal(80, c.ReadAll(c.Second($"f{flag}")).Length);
        }
    }

    [Check("open(2) O_DIRECT: aligned reads and writes see what buffered ones wrote, and the other way round")]
    public static void DirectAndBufferedAgree(CheckContext c)
    {
        var address = c.Ok(MMap(-1, 0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | 0x20));
        var opened = Sys.Open(c.Create("f"), O_RDWR | O_DIRECT);
        if (opened.Error == EINVAL)
        {
            CheckContext.NotRun("open(O_DIRECT): EINVAL");
        }

        var direct = c.Keep((int)c.Ok(opened));
        var buffered = c.Open(c.At("f"), O_RDWR);
        Mapped(address, 65536).Fill((byte)'d');
        c.Equal(65536L, c.Ok(PWrite(direct, Mapped(address, 65536), 0)));
        c.Equal(new string('d', 65536), c.ReadAll(buffered));
        c.Ok(PWrite(buffered, "b", 5000));
        c.Equal(65536L, c.Ok(PRead(direct, Mapped(address, 65536), 0)));
        c.Equal((byte)'b', Mapped(address, 65536)[5000]);
        c.Ok(MUnmap(address, 65536));
    }
}
