namespace DistFS.Posix.Checks;

/// <summary>FIFOs: fifo(7). They carry bytes within one machine; their names are the file system's.</summary>
public static class FifoChecks
{
    [Check("POSIX open [ENXIO]: O_WRONLY and O_NONBLOCK without a reader")]
    public static void WritersWithoutReadersAreEnxio(CheckContext c)
    {
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        c.Fails(ENXIO, Sys.Open(c.At("p"), O_WRONLY | O_NONBLOCK));
        c.Open(c.At("p"), O_RDONLY | O_NONBLOCK);
        c.Open(c.At("p"), O_WRONLY | O_NONBLOCK);
    }

    [Check("fifo(7): bytes pass, in order; nothing is kept; the size stays 0")]
    public static void BytesPass(CheckContext c)
    {
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        var reader = c.Open(c.At("p"), O_RDONLY | O_NONBLOCK);
        c.Equal(0L, c.Ok(Read(reader, new byte[8])), "no writer yet");
        var writer = c.Open(c.At("p"), O_WRONLY);
        c.Fails(EAGAIN, Read(reader, new byte[8]), "nothing written");
        c.Ok(Write(writer, "content"));
        var buffer = new byte[16];
        c.Equal(7L, c.Ok(Read(reader, buffer)));
        c.Same("content"u8, buffer.AsSpan(0, 7));
        c.Equal(0L, c.LStatOf(c.At("p")).Size);
        c.Close(writer);
        c.Equal(0L, c.Ok(Read(reader, buffer)), "the end");
    }

    [Check("POSIX open: a reader and a writer wait for each other")]
    public static void OpeningWaitsForTheOther(CheckContext c)
    {
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        var reader = CheckContext.Start(() => Sys.Open(c.At("p"), O_RDONLY));
        c.StillBlocked(reader, "open(O_RDONLY) of a FIFO");
        c.Open(c.At("p"), O_WRONLY);
        c.Keep((int)c.Ok(c.Await(reader, "the reader's open")));
    }

    [Check("POSIX rename, link, unlink: an open FIFO works on under any name")]
    public static void NamesDoNotMatter(CheckContext c)
    {
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        var reader = c.Open(c.At("p"), O_RDONLY | O_NONBLOCK);
        c.Ok(Rename(c.At("p"), c.At("q")));
        var writer = c.Open(c.At("q"), O_WRONLY);
        c.Ok(Unlink(c.At("q")));
        c.Ok(Write(writer, "x"));
        c.Equal(1L, c.Ok(Read(reader, new byte[8])));
    }

    [Check("POSIX open [EACCES]: the mode of a FIFO", Needs = Needs.OtherUsers)]
    public static void ModesHold(CheckContext c)
    {
        c.Ok(MkFifo(c.At("p"), Octal(644)));
        c.Ok(ChMod(c.At("p"), Octal(640)));
        User.Alice.Run(() =>
        {
            c.Fails(EACCES, Sys.Open(c.At("p"), O_RDONLY | O_NONBLOCK));
            c.Fails(EACCES, Sys.Open(c.At("p"), O_RDWR));
        });
    }
}
