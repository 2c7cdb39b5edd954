namespace DistFS.Posix.Checks;

/// <summary>
/// Files that are open and have no name any more (POSIX unlink: removed when no process has them open).
/// </summary>
public static class OrphanChecks
{
    private const string Source = "POSIX unlink: contents stay until the last close";

    [Check(Source + ": reads, writes, growth, cuts, attributes, locks")]
    public static void AnUnlinkedFileWorksOn(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_RDWR);
        c.Ok(Unlink(c.At("f")));
        c.Equal((0u, 7L), (c.StatOf(fd).Links, c.StatOf(fd).Size));
        c.Equal("content", c.ReadAll(fd));
        c.Ok(PWrite(fd, "CON", 0));
        c.Ok(FTruncate(fd, 500_000));
        c.Ok(PWrite(fd, "end", 499_997));
        c.Ok(FSync(fd));
        c.Equal("CONtent" + new string('\0', 499_990) + "end", c.ReadAll(fd));
        c.Ok(FChMod(fd, Octal(600)));
        c.Ok(FUTimeNs(fd, new TimeSpec(1, 2), new TimeSpec(3, 4)));
        c.Equal((Octal(600), new TimeSpec(3, 4)), (c.StatOf(fd).Permissions, c.StatOf(fd).Mtime));
        c.Ok(FLock(fd, LOCK_EX | LOCK_NB));
        c.Equal(0, c.Names(c.Dir).Count);
    }

    [Check(Source + ": removed through one mount, read through the other")]
    public static void RemovedThroughTheOtherMount(CheckContext c)
    {
        var text = new string('x', 300_000);
        var fd = c.Open(c.Create("f", text), O_RDWR);
        c.Ok(Unlink(c.Second("f")));
        c.Fails(ENOENT, TryStat(c.At("f")));
        c.Equal(text, c.ReadAll(fd));
        c.Ok(PWrite(fd, "y", 0));
        c.Equal('y', c.ReadAll(fd)[0]);
        c.Equal(0u, c.StatOf(fd).Links);
    }

    [Check("rename(2): a file that was replaced works on for those who have it open, through either mount")]
    public static void AReplacedFileWorksOn(CheckContext c)
    {
        var old = c.Open(c.Create("f", "old"), O_RDWR);
        c.Create("g", "new");
        c.Ok(Rename(c.Second("g"), c.Second("f")));
        c.Equal(("old", "new"), (c.ReadAll(old), c.ReadAll(c.At("f"))));
        c.Ok(Write(old, "OLD!"));
        c.Equal(("OLD!", "new", 0u), (c.ReadAll(old), c.ReadAll(c.At("f")), c.StatOf(old).Links));
    }

    [Check(Source + ": a file that was never written to, and 200 at once")]
    public static void ManyOrphans(CheckContext c)
    {
        var fds = new List<int>();
        for (var i = 0; i < 200; i++)
        {
            fds.Add(c.Open(c.At("f"), O_RDWR | O_CREAT | O_EXCL, Octal(600)));
            c.Ok(Unlink(c.At("f")));
            c.Ok(Write(fds[^1], $"{i}"));
        }

        for (var i = 0; i < fds.Count; i++)
        {
            c.Equal($"{i}", c.ReadAll(fds[i]));
        }
    }

    [Check("open(2) /proc/self/fd: an orphan is not reached by its old name")]
    public static void TheOldNameIsGone(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_RDWR);
        c.Ok(Unlink(c.At("f")));
        c.Fails(ENOENT, Sys.Open(c.At("f"), O_RDONLY));
        c.Fails(ENOENT, Link($"/proc/self/fd/{fd}", c.At("g"), AT_SYMLINK_FOLLOW), "linking an orphan back");
        c.Fails(ENOENT, TryStat(c.At("g")));
    }

    [Check(Source + ": mapped memory stays when descriptor and name are gone")]
    public static void AMappingOutlivesTheName(CheckContext c)
    {
        var fd = c.Open(c.Create("f", new string('x', 8192)), O_RDWR);
        var address = c.Ok(MMap(fd, 0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED));
        c.Close(fd);
        c.Ok(Unlink(c.At("f")));
        Mapped(address, 8192)[100] = (byte)'y';
        c.Equal(((byte)'x', (byte)'y'), (Mapped(address, 8192)[8191], Mapped(address, 8192)[100]));
        c.Ok(MUnmap(address, 8192));
    }
}
