namespace DistFS.Posix.Checks;

/// <summary>Memory that is a file: mmap(2).</summary>
public static class MmapChecks
{
    private const int Length = 64 * 1024;

    [Check("POSIX mmap: MAP_SHARED shows the file, and what is written to it is the file")]
    public static void SharedMemoryIsTheFile(CheckContext c)
    {
        var fd = c.Open(c.Create("f", new string('x', Length)), O_RDWR);
        var address = c.Optional(MMap(fd, 0, Length, PROT_READ | PROT_WRITE, MAP_SHARED));
        c.True(Mapped(address, Length).IndexOfAnyExcept((byte)'x') < 0, "content");
        Mapped(address, Length)[5000] = (byte)'m';
        c.Equal('m', c.ReadAll(fd)[5000]);
        c.Ok(PWrite(fd, "w", 6000));
        c.Equal((byte)'w', Mapped(address, Length)[6000]);
        c.Ok(MSync(address, Length));
        c.Ok(MUnmap(address, Length));
        var text = c.ReadAll(c.Second("f"));
        c.Equal(('m', 'w', Length), (text[5000], text[6000], text.Length));
    }

    [Check("POSIX mmap: MAP_PRIVATE never reaches the file")]
    public static void PrivateMemoryIsNot(CheckContext c)
    {
        var fd = c.Open(c.Create("f", new string('x', Length)), O_RDONLY);
        var address = c.Ok(MMap(fd, 0, Length, PROT_READ | PROT_WRITE, MAP_PRIVATE));
        Mapped(address, Length)[5000] = (byte)'m';
        c.Ok(MUnmap(address, Length));
        c.Equal(new string('x', Length), c.ReadAll(fd));
    }

    [Check("POSIX mmap: memory behind the end, within the page, is zero and stays out of the file")]
    public static void BehindTheEndIsZero(CheckContext c)
    {
        var fd = c.Open(c.Create("f", new string('x', 5000)), O_RDWR);
        var address = c.Ok(MMap(fd, 0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED));
        c.True(Mapped(address, 8192)[5000..].IndexOfAnyExcept((byte)0) < 0, "zeros");
        Mapped(address, 8192)[5001] = (byte)'m';
        c.Ok(MSync(address, 8192));
        c.Equal((5000L, 5000), (c.StatOf(fd).Size, c.ReadAll(fd).Length));
        c.Ok(MUnmap(address, 8192));
        c.Ok(FTruncate(fd, 6000));
        c.Equal(new string('\0', 1000), c.ReadAll(fd)[5000..]);
    }

    [Check("POSIX mmap [EACCES], [EINVAL], [ENODEV], [EBADF]")]
    public static void Refusals(CheckContext c)
    {
        var path = c.Create("f", new string('x', Length));
        c.Fails(EACCES, MMap(c.Open(path, O_RDONLY), 0, Length, PROT_READ | PROT_WRITE, MAP_SHARED));
        c.Fails(EACCES, MMap(c.Open(path, O_WRONLY), 0, Length, PROT_READ, MAP_SHARED));
        c.Fails(EINVAL, MMap(c.Open(path, O_RDWR), 100, Length, PROT_READ, MAP_SHARED));
        c.Fails(EINVAL, MMap(c.Open(path, O_RDWR), 0, 0, PROT_READ, MAP_SHARED));
        c.Fails(ENODEV, MMap(c.Open(c.Dir, O_RDONLY), 0, Length, PROT_READ, MAP_SHARED));
        c.Fails(EBADF, MMap(9999, 0, Length, PROT_READ, MAP_SHARED));
    }

    [Check("POSIX mmap: writing through memory marks mtime and ctime by msync at the latest")]
    public static void WritingMarksTimes(CheckContext c)
    {
        var fd = c.Open(c.Create("f", new string('x', Length)), O_RDWR);
        var address = c.Ok(MMap(fd, 0, Length, PROT_READ | PROT_WRITE, MAP_SHARED));
        var tick = c.NextTick(c.StatOf(fd).Mtime);
        Mapped(address, Length)[0] = (byte)'m';
        c.Ok(MSync(address, Length));
        c.True(c.StatOf(fd).Mtime >= tick && c.StatOf(fd).Ctime >= tick, "times");
        c.Ok(MUnmap(address, Length));
    }

    [Check("POSIX mmap: two mappings of one file are one memory")]
    public static void TwoMappingsAreOne(CheckContext c)
    {
        c.Create("f", new string('x', Length));
        var first = c.Ok(MMap(c.Open(c.At("f"), O_RDWR), 0, Length, PROT_READ | PROT_WRITE, MAP_SHARED));
        var second = c.Ok(MMap(c.Open(c.At("f"), O_RDONLY), 4096, Length - 4096, PROT_READ, MAP_SHARED));
        Mapped(first, Length)[5000] = (byte)'m';
        c.Equal((byte)'m', Mapped(second, Length - 4096)[5000 - 4096]);
        c.Ok(MUnmap(first, Length));
        c.Ok(MUnmap(second, Length - 4096));
    }

    [Check("POSIX mmap: a file that grows is seen in memory that was mapped before")]
    public static void GrowthIsSeen(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "x"), O_RDWR);
        var address = c.Ok(MMap(fd, 0, Length, PROT_READ | PROT_WRITE, MAP_SHARED));
        c.Ok(FTruncate(fd, Length));
        c.Ok(PWrite(fd, "end", Length - 3));
        c.Same("end"u8, Mapped(address, Length)[(Length - 3)..]);
        Mapped(address, Length)[20_000] = (byte)'m';
        c.Equal('m', c.ReadAll(fd)[20_000]);
        c.Ok(MUnmap(address, Length));
    }
}
