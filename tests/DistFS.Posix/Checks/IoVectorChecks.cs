namespace DistFS.Posix.Checks;

/// <summary>read, write, pread, pwrite and their vectored forms.</summary>
public static class IoVectorChecks
{
    [Check("POSIX read, write: sizes and offsets around every boundary")]
    public static void SizesAndOffsets(CheckContext c)
    {
        var random = new System.Random(c.Options.Seed);
        var model = new byte[600_000];
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Ok(FTruncate(fd, model.Length));
        foreach (var offset in (int[])[0, 1, 4095, 4096, 65_535, 65_536, 131_071, 262_144])
        {
            foreach (var length in (int[])[1, 4095, 4096, 4097, 65_536, 131_073, 262_144])
            {
                random.NextBytes(model.AsSpan(offset, length));
                c.Equal((long)length, c.Ok(PWrite(fd, model.AsSpan(offset, length), offset)), $"{offset}+{length}");
                var buffer = new byte[length];
                c.Equal((long)length, c.Ok(PRead(fd, buffer, offset)), $"{offset}+{length}");
                c.Same(model.AsSpan(offset, length), buffer, $"{offset}+{length}");
            }
        }

        c.Same(model, Bytes(c.ReadAll(fd)));
    }

    [Check("POSIX pread, pwrite: the position stays; read and write move it")]
    public static void PositionsMoveOrStay(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "0123456789"), O_RDWR);
        var buffer = new byte[4];
        c.Ok(Read(fd, buffer));
        c.Ok(PRead(fd, buffer, 8));
        c.Ok(PWrite(fd, "x", 9));
        c.Equal(4L, c.Ok(LSeek(fd, 0, SEEK_CUR)));
        c.Ok(Write(fd, "45"));
        c.Equal(6L, c.Ok(LSeek(fd, 0, SEEK_CUR)));
        c.Equal("012345678x", c.ReadAll(fd));
    }

    [Check("POSIX dup: duplicates share one position, two opens do not")]
    public static void DuplicatesShareThePosition(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "0123456789"), O_RDWR);
        var duplicate = c.Keep((int)c.Ok(Dup(fd)));
        var other = c.Open(c.At("f"), O_RDONLY);
        c.Ok(Read(fd, new byte[3]));
        c.Equal((3L, 0L), (c.Ok(LSeek(duplicate, 0, SEEK_CUR)), c.Ok(LSeek(other, 0, SEEK_CUR))));
    }

    [Check("POSIX read: at the end nothing, before it what there is; [EINVAL] a negative offset")]
    public static void TheEndIsShort(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "0123456789"), O_RDWR);
        var buffer = new byte[100];
        c.Equal(10L, c.Ok(Read(fd, buffer)));
        c.Equal(0L, c.Ok(Read(fd, buffer)));
        c.Equal(2L, c.Ok(PRead(fd, buffer, 8)));
        c.Equal(0L, c.Ok(PRead(fd, buffer, 10)));
        c.Equal(0L, c.Ok(PRead(fd, buffer, 1L << 40)));
        c.Fails(EINVAL, PRead(fd, buffer, -1));
        c.Fails(EINVAL, PWrite(fd, buffer, -1));
        c.Equal(0L, c.Ok(Read(fd, [])));
    }

    [Check("readv(2), writev(2), preadv(2), pwritev(2): buffers one after the other, empty ones among them")]
    public static void VectorsAreOneAfterTheOther(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Equal(9L, c.Ok(WriteV(fd, [Bytes("ab"), [], Bytes("cdefg"), Bytes("hi")], -1)));
        c.Equal(3L, c.Ok(WriteV(fd, [Bytes("X"), Bytes("YZ")], 4)));
        c.Equal(9L, c.Ok(LSeek(fd, 0, SEEK_CUR)));
        c.Equal("abcdXYZhi", c.ReadAll(fd));
        var buffers = (byte[][])[new byte[3], [], new byte[1], new byte[20]];
        c.Equal(8L, c.Ok(ReadV(fd, buffers, 1)));
        c.Same("bcd"u8, buffers[0]);
        c.Same("X"u8, buffers[2]);
        c.Same("YZhi"u8, buffers[3].AsSpan(0, 4));
        c.Ok(LSeek(fd, 0, SEEK_SET));
        c.Equal(9L, c.Ok(ReadV(fd, buffers, -1)));
    }

    [Check("readv(2): a thousand buffers, together more than a page cache reads at once")]
    public static void ManyBuffers(CheckContext c)
    {
        var random = new System.Random(c.Options.Seed);
        var written = Enumerable.Range(0, 1000).Select(i => new byte[1 + ((i * 37) % 2000)]).ToArray();
        foreach (var buffer in written)
        {
            random.NextBytes(buffer);
        }

        var total = written.Sum(b => (long)b.Length);
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Equal(total, c.Ok(WriteV(fd, written, 0)));
        var read = written.Select(b => new byte[b.Length]).ToArray();
        c.Equal(total, c.Ok(ReadV(fd, read, 0)));
        c.True(written.Zip(read).All(p => p.First.AsSpan().SequenceEqual(p.Second)), "each buffer");
        c.Fails(EINVAL, WriteV(fd, [.. Enumerable.Repeat(new byte[1], 1025)], 0), "more than IOV_MAX");
    }

    [Check("POSIX read, write [ESPIPE]: pread and pwrite on a FIFO; [EBADF]")]
    public static void Refusals(CheckContext c)
    {
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        var fd = c.Open(c.At("p"), O_RDWR);
        c.Fails(ESPIPE, PRead(fd, new byte[1], 0));
        c.Fails(ESPIPE, PWrite(fd, new byte[1], 0));
        c.Fails(EBADF, Read(9999, new byte[1]));
        c.Fails(EBADF, Write(9999, new byte[1]));
    }
}
