namespace DistFS.Posix.Checks;

/// <summary>Files with holes: lseek(2) SEEK_DATA and SEEK_HOLE.</summary>
public static class SparseChecks
{
    private const int Unit = 1 << 20;

    [Check("POSIX write: what lies between an end and a write behind it reads as zeros")]
    public static void GapsReadAsZeros(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "abc"), O_RDWR);
        c.Ok(PWrite(fd, "xyz", 200_000));
        c.Equal(200_003L, c.StatOf(fd).Size);
        c.Equal("abc" + new string('\0', 199_997) + "xyz", c.ReadAll(fd));
        c.Ok(LSeek(fd, 10L << 30, SEEK_SET));
        c.Ok(Write(fd, "far"));
        c.Equal((10L << 30) + 3, c.StatOf(fd).Size);
        var buffer = new byte[8];
        c.Equal(8L, c.Ok(PRead(fd, buffer, (10L << 30) - 5)));
        c.Same("\0\0\0\0\0far"u8, buffer);
    }

    [Check("stat(2) st_blocks: a hole takes no room")]
    public static void HolesTakeNoRoom(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Ok(FTruncate(fd, 64 * Unit));
        c.Ok(PWrite(fd, "x", 32 * Unit));
        c.Ok(FSync(fd));
        c.True(c.StatOf(fd).Blocks * 512 < 32 * Unit, $"{c.StatOf(fd).Blocks} blocks");
    }

    [Check("lseek(2) SEEK_DATA, SEEK_HOLE: bytes that were written are data, the end is a hole")]
    public static void DataIsFound(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Ok(FTruncate(fd, 10 * Unit));
        c.Ok(PWrite(fd, new byte[Unit], 2 * Unit));
        c.Ok(PWrite(fd, new byte[Unit], 6 * Unit));
        var first = c.Ok(LSeek(fd, 0, SEEK_DATA));
        c.True(first is 0 or (<= 2 * Unit and > 0), $"data at {first}");
        c.True(c.Ok(LSeek(fd, 2 * Unit, SEEK_DATA)) == 2 * Unit, "in data");
        c.True(c.Ok(LSeek(fd, 2 * Unit, SEEK_HOLE)) >= 3 * Unit, "a hole only behind the data");
        c.True(c.Ok(LSeek(fd, 6 * Unit, SEEK_HOLE)) is >= 7 * Unit and <= 10 * Unit, "the end is a hole at the latest");
        c.Fails(ENXIO, LSeek(fd, 10 * Unit, SEEK_DATA));
        c.Fails(ENXIO, LSeek(fd, 10 * Unit, SEEK_HOLE));
        c.Fails(ENXIO, LSeek(fd, 11 * Unit, SEEK_DATA));
    }

    [Check("lseek(2): walking from data to hole to data covers every byte that was written; positions move")]
    public static void AWalkCoversAllData(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Ok(FTruncate(fd, 16 * Unit));
        var written = (int[])[1, 4, 5, 9, 15];
        foreach (var at in written)
        {
            c.Ok(PWrite(fd, new byte[Unit], (long)at * Unit));
        }

        var covered = new bool[16];
        var position = 0L;
        while (LSeek(fd, position, SEEK_DATA) is { IsOk: true, Value: var data })
        {
            position = c.Ok(LSeek(fd, data, SEEK_HOLE));
            c.True(position > data, $"hole {position} after data {data}");
            c.Equal(position, c.Ok(LSeek(fd, 0, SEEK_CUR)));
            if (position <= data)
            {
                break;
            }

            covered.AsSpan((int)(data / Unit), (int)((position - data) / Unit)).Fill(true);
        }

        c.True(Array.TrueForAll(written, at => covered[at]), "all written units are covered");
    }

    [Check("lseek(2): a punched hole may be found as one, and never swallows data beside it")]
    public static void PunchedHolesAreFound(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Ok(PWrite(fd, new byte[8 * Unit], 0));
        c.Optional(FAllocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * Unit, 4 * Unit));
        var hole = c.Ok(LSeek(fd, 0, SEEK_HOLE));
        c.True(hole is 2 * Unit or 8 * Unit, $"hole at {hole}");
        c.Equal(6L * Unit, hole == 2 * Unit ? c.Ok(LSeek(fd, hole, SEEK_DATA)) : 6L * Unit);
        c.Equal(7L * Unit, c.Ok(LSeek(fd, 7 * Unit, SEEK_DATA)));
    }

    [Check("POSIX lseek: SET, CUR, END, past the end; [EINVAL] before the start; [ESPIPE] a FIFO; [EBADF]")]
    public static void SeekingMovesThePosition(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_RDWR);
        c.Equal(3L, c.Ok(LSeek(fd, 3, SEEK_SET)));
        c.Equal(5L, c.Ok(LSeek(fd, 2, SEEK_CUR)));
        c.Equal(6L, c.Ok(LSeek(fd, -1, SEEK_END)));
        c.Equal(107L, c.Ok(LSeek(fd, 100, SEEK_END)));
        c.Equal(0L, c.Ok(Read(fd, new byte[4])));
        c.Equal(7L, c.StatOf(fd).Size);
        c.Fails(EINVAL, LSeek(fd, -1, SEEK_SET));
        c.Fails(EINVAL, LSeek(fd, -8, SEEK_END));
        c.Fails(EINVAL, LSeek(fd, 0, 99));
        c.Equal(107L, c.Ok(LSeek(fd, 0, SEEK_CUR)));
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        c.Fails(ESPIPE, LSeek(c.Open(c.At("p"), O_RDWR), 0, SEEK_SET));
        c.Fails(EBADF, LSeek(9999, 0, SEEK_SET));
    }
}
