namespace DistFS.Posix.Checks;

/// <summary>truncate(2) and ftruncate(2).</summary>
public static class TruncateChecks
{
    [Check("POSIX truncate: to any size; what is gained reads as zeros, what was cut does not come back")]
    public static void CutsAndGrows(CheckContext c)
    {
        var random = new System.Random(c.Options.Seed);
        var model = new byte[300_000];
        random.NextBytes(model);
        var fd = c.Open(c.At("f"), O_RDWR | O_CREAT, Octal(644));
        c.WriteAll(fd, model);
        var sizes = (int[])[300_000, 65_537, 65_536, 65_535, 4097, 4096, 4095, 1, 0, 4095, 4096, 100, 200_000, 4095,
            131_072];
        foreach (var size in sizes)
        {
            c.Ok(FTruncate(fd, size));
            var old = model;
            model = new byte[size];
            old.AsSpan(0, Math.Min(size, old.Length)).CopyTo(model);
            c.Equal((long)size, c.StatOf(fd).Size);
            c.Same(model, Bytes(c.ReadAll(fd)), $"{size}");
        }
    }

    [Check("POSIX truncate: by path; the position of descriptors stays")]
    public static void PositionsStay(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_RDWR);
        c.Ok(LSeek(fd, 5, SEEK_SET));
        c.Ok(Sys.Truncate(c.At("f"), 2));
        c.Equal(5L, c.Ok(LSeek(fd, 0, SEEK_CUR)));
        c.Equal(0L, c.Ok(Read(fd, new byte[8])));
        c.Ok(Write(fd, "x"));
        c.Equal("co\0\0\0x", c.ReadAll(c.At("f")));
    }

    [Check("POSIX truncate [EINVAL], [EISDIR]; ftruncate [EBADF] or [EINVAL]")]
    public static void Refusals(CheckContext c)
    {
        c.Create("f", "content");
        c.Directory("d");
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        c.Fails(EINVAL, Sys.Truncate(c.At("f"), -1));
        c.Fails(EISDIR, Sys.Truncate(c.At("d"), 0));
        c.Fails(EINVAL, Sys.Truncate(c.At("p"), 0));
        c.Fails(ENOENT, Sys.Truncate(c.At("x"), 0));
        c.FailsWithOneOf([EBADF, EINVAL], FTruncate(c.Open(c.At("f"), O_RDONLY), 0));
        c.FailsWithOneOf([EBADF, EINVAL], FTruncate(c.Open(c.At("d"), O_RDONLY), 0));
        c.Fails(EINVAL, FTruncate(c.Open(c.At("f"), O_RDWR), -1));
        c.Equal("content", c.ReadAll(c.At("f")));
    }

    [Check("POSIX truncate [EFBIG] or [EINVAL]: the largest offset; a size of 1 TiB is a hole")]
    public static void LargeSizes(CheckContext c)
    {
        c.Create("f", "content");
        var largest = Sys.Truncate(c.At("f"), long.MaxValue);
        c.True(largest.IsOk || largest.Error is EFBIG or EINVAL, largest.ToString());
        c.Ok(Sys.Truncate(c.At("f"), 1L << 40));
        c.Equal(1L << 40, c.StatOf(c.At("f")).Size);
        var fd = c.Open(c.At("f"), O_RDONLY);
        var buffer = new byte[4];
        c.Equal(4L, c.Ok(PRead(fd, buffer, (1L << 40) - 4)));
        c.Same(new byte[4], buffer);
        c.Ok(Sys.Truncate(c.At("f"), 3));
        c.Equal("con", c.ReadAll(c.At("f")));
    }

    [Check("POSIX truncate: follows symbolic links")]
    public static void LinksAreFollowed(CheckContext c)
    {
        c.Create("f", "content");
        c.Ok(SymLink("f", c.At("l")));
        c.Ok(Sys.Truncate(c.At("l"), 1));
        c.Equal("c", c.ReadAll(c.At("f")));
    }

    [Check("POSIX truncate: marks mtime and ctime when the size changes; ftruncate always")]
    public static void MarksTimes(CheckContext c)
    {
        var before = c.StatOf(c.Create("f", "content"));
        var tick = c.NextTick(before.Mtime);
        c.Ok(Sys.Truncate(c.At("f"), 3));
        c.True(c.StatOf(c.At("f")).Mtime >= tick && c.StatOf(c.At("f")).Ctime >= tick, "cut");
        tick = c.NextTick(c.StatOf(c.At("f")).Mtime);
        c.Ok(FTruncate(c.Open(c.At("f"), O_WRONLY), 3));
        c.True(c.StatOf(c.At("f")).Mtime >= tick && c.StatOf(c.At("f")).Ctime >= tick, "same size");
    }

    [Check("POSIX truncate [EACCES]: no write permission; through a descriptor it is granted",
        Needs = Needs.OtherUsers)]
    public static void WithoutWritePermissionIsEacces(CheckContext c)
    {
        c.Create("f", "content", Octal(644));
        var fd = c.Open(c.At("f"), O_RDWR);
        User.Alice.Run(() =>
        {
            c.Fails(EACCES, Sys.Truncate(c.At("f"), 0));
            c.Ok(FTruncate(fd, 3));
        });
        c.Equal("con", c.ReadAll(c.At("f")));
    }

    [Check("truncate(2): set-user-ID vanishes", Needs = Needs.OtherUsers)]
    public static void SetIdBitsVanish(CheckContext c)
    {
        c.Create("f", "content", Octal(6777));
        User.Alice.Run(() => c.Ok(Sys.Truncate(c.At("f"), 0)));
        c.Equal(Octal(777), c.StatOf(c.At("f")).Permissions);
    }
}
