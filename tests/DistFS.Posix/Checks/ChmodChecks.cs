namespace DistFS.Posix.Checks;

/// <summary>chmod(2) and fchmod(2).</summary>
public static class ChmodChecks
{
    [Check("POSIX chmod: all 4,096 modes of a file", Needs = Needs.Root)]
    public static void EveryModeIsKept(CheckContext c)
    {
        var path = c.Create("f");
        for (var mode = 0; mode < 4096; mode++)
        {
            c.Ok(ChMod(path, mode));
            c.Equal(mode, c.StatOf(path).Permissions);
        }
    }

    [Check("POSIX chmod: files, directories, FIFOs; the type stays")]
    public static void EachKindTakesAMode(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(MkFifo(c.At("fifo"), Octal(644)));
        foreach (var name in (string[])["file", "dir", "fifo"])
        {
            var type = c.LStatOf(c.At(name)).Type;
            foreach (var mode in (int[])[0, 111, 222, 444, 755, 1755])
            {
                c.Ok(ChMod(c.At(name), Octal(mode)));
                c.Equal(type | Octal(mode), c.LStatOf(c.At(name)).Mode, $"{name} {mode}");
            }
        }
    }

    [Check("POSIX chmod: follows symbolic links")]
    public static void LinksAreFollowed(CheckContext c)
    {
        c.Create("f");
        c.Ok(SymLink("f", c.At("l")));
        c.Ok(ChMod(c.At("l"), Octal(600)));
        c.Equal(Octal(600), c.StatOf(c.At("f")).Permissions);
        c.Ok(SymLink("x", c.At("dangling")));
        c.Fails(ENOENT, ChMod(c.At("dangling"), Octal(600)));
        c.Ok(SymLink("loop", c.At("loop")));
        c.Fails(ELOOP, ChMod(c.At("loop"), Octal(600)));
    }

    [Check("POSIX fchmod: by descriptor, whatever its access mode, also without a name; [EBADF]")]
    public static void DescriptorsTakeAMode(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDONLY);
        c.Ok(FChMod(fd, Octal(604)));
        c.Equal(Octal(604), c.StatOf(c.At("f")).Permissions);
        c.Ok(Unlink(c.At("f")));
        c.Ok(FChMod(fd, Octal(600)));
        c.Equal(Octal(600), c.StatOf(fd).Permissions);
        c.Fails(EBADF, FChMod(9999, Octal(600)));
    }

    [Check("POSIX chmod [EPERM]: another's", Needs = Needs.OtherUsers)]
    public static void AnothersIsEperm(CheckContext c)
    {
        c.Create("f", "", Octal(777));
        var fd = c.Open(c.At("f"), O_RDONLY);
        User.Alice.Run(() =>
        {
            c.Fails(EPERM, ChMod(c.At("f"), Octal(600)));
            c.Fails(EPERM, FChMod(fd, Octal(600)));
        });
        c.Ok(ChOwn(c.At("f"), 70001, 70001));
        User.Alice.Run(() => c.Ok(ChMod(c.At("f"), Octal(600))));
        User.BobInAlicesGroup.Run(() => c.Fails(EPERM, ChMod(c.At("f"), Octal(644)), "of the same group"));
    }

    [Check("POSIX chmod: set-group-ID vanishes when the owner is not in the file's group", Needs = Needs.OtherUsers)]
    public static void SetGroupIdNeedsTheGroup(CheckContext c)
    {
        c.Create("f");
        c.Ok(ChOwn(c.At("f"), 70001, 70002));
        User.Alice.Run(() => c.Ok(ChMod(c.At("f"), Octal(2755))));
        c.Equal(Octal(755), c.StatOf(c.At("f")).Permissions);
        c.Ok(ChOwn(c.At("f"), 70002, 70001));
        User.BobInAlicesGroup.Run(() => c.Ok(ChMod(c.At("f"), Octal(2755))));
        c.Equal(Octal(2755), c.StatOf(c.At("f")).Permissions);
    }

    [Check("POSIX chmod: marks ctime only")]
    public static void MarksCtime(CheckContext c)
    {
        var before = c.StatOf(c.Create("f"));
        var tick = c.NextTick(before.Ctime);
        c.Ok(ChMod(c.At("f"), Octal(600)));
        var after = c.StatOf(c.At("f"));
        c.True(after.Ctime >= tick, "ctime");
        c.Equal((before.Mtime, before.Atime), (after.Mtime, after.Atime));
    }

    [Check("POSIX open: a mode that is taken away leaves open descriptors as they are")]
    public static void OpenDescriptorsKeepTheirRights(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        c.Ok(ChMod(c.At("f"), 0));
        c.Ok(Write(fd, "content"));
        c.Equal("content", c.ReadAll(fd));
    }
}
