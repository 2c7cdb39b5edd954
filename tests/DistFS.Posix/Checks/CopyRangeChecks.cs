namespace DistFS.Posix.Checks;

/// <summary>copy_file_range(2).</summary>
public static class CopyRangeChecks
{
    [Check("copy_file_range(2): the bytes of the range, wherever it starts, and nothing else")]
    public static void CopiesTheRange(CheckContext c)
    {
        var model = new byte[400_000];
        new System.Random(c.Options.Seed).NextBytes(model);
        var from = c.Open(c.At("from"), O_RDWR | O_CREAT, Octal(644));
        c.WriteAll(from, model);
        foreach (var (source, target, length) in (ReadOnlySpan<(int, int, int)>)
            [(0, 0, 400_000), (0, 0, 4096), (1, 0, 10_000), (0, 7, 10_000), (65_530, 130_000, 70_000),
                (399_990, 5, 100)])
        {
            var to = c.Open(c.At("to"), O_RDWR | O_CREAT | O_TRUNC, Octal(644));
            var expected = new byte[target + Math.Min(length, model.Length - source)];
            model.AsSpan(source, expected.Length - target).CopyTo(expected.AsSpan(target));
            c.Equal((long)expected.Length - target, Copy(c, from, source, to, target, length),
                $"{source} {target} {length}");
            c.Same(expected, Bytes(c.ReadAll(c.Second("to"))), $"{source} {target} {length}");
        }

        c.Same(model, Bytes(c.ReadAll(from)), "the source");
    }

    [Check("copy_file_range(2): within one file when the ranges do not overlap; [EINVAL] when they do")]
    public static void WithinOneFile(CheckContext c)
    {
        var fd = c.Open(c.Create("f", new string('a', 10_000) + new string('b', 10_000)), O_RDWR);
        c.Equal(10_000L, Copy(c, fd, 0, fd, 20_000, 10_000));
        c.Equal(new string('a', 10_000), c.ReadAll(fd)[20_000..]);
        c.Fails(EINVAL, CopyFileRange(fd, 0, fd, 5000, 10_000));
    }

    [Check("copy_file_range(2): nothing at the end; [EBADF], [EISDIR], [EINVAL]")]
    public static void Refusals(CheckContext c)
    {
        c.Create("f", "content");
        var (reader, writer) = (c.Open(c.At("f"), O_RDONLY), c.Open(c.Create("g"), O_WRONLY));
        c.Equal(0L, Copy(c, reader, 7, writer, 0, 10));
        c.Fails(EBADF, CopyFileRange(writer, 0, writer, 0, 1));
        c.Fails(EBADF, CopyFileRange(reader, 0, reader, 0, 1));
        c.Fails(EBADF, CopyFileRange(reader, 0, c.Open(c.At("g"), O_WRONLY | O_APPEND), 0, 1));
        c.Fails(EISDIR, CopyFileRange(c.Open(c.Dir, O_RDONLY), 0, writer, 0, 1));
        c.Fails(EINVAL, CopyFileRange(reader, 0, writer, 0, 1, 1));
    }

    private static long Copy(CheckContext c, int from, long source, int to, long target, long length)
    {
        var copied = 0L;
        while (copied < length)
        {
            var now = c.Optional(CopyFileRange(from, source + copied, to, target + copied, length - copied));
            if (now == 0)
            {
                break;
            }

            copied += now;
        }

        return copied;
    }
}
