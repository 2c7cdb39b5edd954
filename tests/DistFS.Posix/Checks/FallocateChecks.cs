namespace DistFS.Posix.Checks;

/// <summary>fallocate(2): space in advance, holes, zeros.</summary>
public static class FallocateChecks
{
    [Check("fallocate(2): the default mode grows the file; bytes that were there stay, new ones are zero")]
    public static void AllocatesAndGrows(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_RDWR);
        c.Optional(FAllocate(fd, 0, 0, 100_000));
        c.Equal(100_000L, c.StatOf(fd).Size);
        c.Equal("content" + new string('\0', 99_993), c.ReadAll(fd));
        c.Ok(FAllocate(fd, 0, 0, 10));
        c.Equal(100_000L, c.StatOf(fd).Size);
        c.True(c.StatOf(fd).Blocks * 512 >= 100_000, "blocks are allocated");
    }

    [Check("fallocate(2) FALLOC_FL_KEEP_SIZE: the size stays, growing shows zeros")]
    public static void KeepSizeKeepsTheSize(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_RDWR);
        c.Optional(FAllocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100_000));
        c.Equal((7L, "content"), (c.StatOf(fd).Size, c.ReadAll(fd)));
        c.Ok(FTruncate(fd, 20));
        c.Equal("content" + new string('\0', 13), c.ReadAll(fd));
    }

    [Check("fallocate(2) FALLOC_FL_PUNCH_HOLE: zeros in the range and nowhere else; the size stays")]
    public static void PunchingMakesZeros(CheckContext c)
    {
        foreach (var (offset, length) in (ReadOnlySpan<(int, int)>)
            [(0, 4096), (1, 10), (4000, 200), (65_536, 65_536), (70_001, 99), (199_000, 5000), (250_000, 10)])
        {
            var model = Filled(200_000);
            var fd = c.Open(c.At("f"), O_RDWR | O_CREAT | O_TRUNC, Octal(644));
            c.WriteAll(fd, model);
            c.Optional(FAllocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
            var end = Math.Min(model.Length, offset + length);
            model.AsSpan(Math.Min(offset, end), end - Math.Min(offset, end)).Clear();
            c.Same(model, Bytes(c.ReadAll(fd)), $"{offset}+{length}");
        }
    }

    [Check("fallocate(2) FALLOC_FL_ZERO_RANGE: zeros, with and without growth")]
    public static void ZeroingMakesZeros(CheckContext c)
    {
        var model = Filled(100_000);
        var fd = c.Open(c.At("f"), O_RDWR | O_CREAT, Octal(644));
        c.WriteAll(fd, model);
        c.Optional(FAllocate(fd, FALLOC_FL_ZERO_RANGE, 1000, 50_000));
        model.AsSpan(1000, 50_000).Clear();
        c.Same(model, Bytes(c.ReadAll(fd)));
        c.Ok(FAllocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 90_000, 50_000));
        model.AsSpan(90_000).Clear();
        c.Same(model, Bytes(c.ReadAll(fd)), "kept size");
        c.Ok(FAllocate(fd, FALLOC_FL_ZERO_RANGE, 90_000, 50_000));
        c.Equal(140_000L, c.StatOf(fd).Size);
    }

    [Check("fallocate(2): [EINVAL], [EBADF], [EOPNOTSUPP], [ESPIPE] or [ENODEV]")]
    public static void Refusals(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_RDWR);
        c.Optional(FAllocate(fd, 0, 0, 10));
        c.Fails(EINVAL, FAllocate(fd, 0, -1, 10));
        c.Fails(EINVAL, FAllocate(fd, 0, 0, 0));
        c.Fails(EINVAL, FAllocate(fd, 0, 0, -1));
        c.FailsWithOneOf([EFBIG], FAllocate(fd, 0, long.MaxValue - 10, 100));
        c.Fails(EOPNOTSUPP, FAllocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), "punching needs KEEP_SIZE");
        c.Fails(EBADF, FAllocate(c.Open(c.At("f"), O_RDONLY), 0, 0, 10));
        c.FailsWithOneOf([ENODEV, EBADF, EISDIR], FAllocate(c.Open(c.Directory("d"), O_RDONLY), 0, 0, 10));
    }

    [Check("fallocate(2): marks mtime and ctime of what it changes")]
    public static void MarksTimes(CheckContext c)
    {
        var fd = c.Open(c.Create("f", new string('x', 10_000)), O_RDWR);
        var tick = c.NextTick(c.StatOf(fd).Mtime);
        c.Optional(FAllocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192));
        c.True(c.StatOf(fd).Mtime >= tick && c.StatOf(fd).Ctime >= tick, "punch");
    }

    private static byte[] Filled(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)(1 + (i % 255));
        }

        return bytes;
    }
}
