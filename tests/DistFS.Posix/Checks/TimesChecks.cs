namespace DistFS.Posix.Checks;

/// <summary>Time stamps: utimensat(2), and what marks them.</summary>
public static class TimesChecks
{
    [Check("POSIX utimensat: nanoseconds, before 1970, after 2038, files and directories and links")]
    public static void StampsAreKept(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(SymLink("nowhere", c.At("link")));
        foreach (var name in (string[])["file", "dir", "link"])
        {
            foreach (var time in (TimeSpec[])
                [new(0, 0), new(1, 1), new(1_000_000_000, 999_999_999), new(1_700_000_000, 123_456_789), new(-1, 500),
                    new(5_000_000_000, 7)])
            {
                c.Ok(UTimeNs(c.At(name), time, new TimeSpec(time.Seconds + 1, time.Nanoseconds), AT_SYMLINK_NOFOLLOW));
                var stat = c.LStatOf(c.At(name));
                c.Equal(time, stat.Atime, name);
                c.Equal(new TimeSpec(time.Seconds + 1, time.Nanoseconds), stat.Mtime, name);
            }
        }
    }

    [Check("POSIX utimensat: UTIME_OMIT leaves, UTIME_NOW stamps")]
    public static void OmitAndNow(CheckContext c)
    {
        var path = c.Create("f");
        c.Ok(UTimeNs(path, new TimeSpec(100, 1), new TimeSpec(200, 2)));
        c.Ok(UTimeNs(path, TimeSpec.Omit, new TimeSpec(300, 3)));
        c.Equal((new TimeSpec(100, 1), new TimeSpec(300, 3)), (c.StatOf(path).Atime, c.StatOf(path).Mtime));
        c.Ok(UTimeNs(path, new TimeSpec(400, 4), TimeSpec.Omit));
        c.Equal((new TimeSpec(400, 4), new TimeSpec(300, 3)), (c.StatOf(path).Atime, c.StatOf(path).Mtime));
        c.Ok(UTimeNs(path, TimeSpec.Omit, TimeSpec.Omit));
        c.Equal((new TimeSpec(400, 4), new TimeSpec(300, 3)), (c.StatOf(path).Atime, c.StatOf(path).Mtime));
        c.Ok(UTimeNs(path, TimeSpec.Omit, TimeSpec.Now));
        c.True(c.StatOf(path).Mtime > new TimeSpec(1_600_000_000, 0), "now");
        c.Equal(new TimeSpec(400, 4), c.StatOf(path).Atime);
        c.Ok(Touch(path));
        c.True(c.StatOf(path).Atime > new TimeSpec(1_600_000_000, 0), "both now");
    }

    [Check("POSIX utimensat [EINVAL]: nanoseconds out of range")]
    public static void BadNanosecondsAreEinval(CheckContext c)
    {
        var path = c.Create("f");
        foreach (var nanoseconds in (long[])[-1, 1_000_000_000, 2_000_000_000])
        {
            c.Fails(EINVAL, UTimeNs(path, new TimeSpec(0, nanoseconds), new TimeSpec(0, 0)), $"{nanoseconds}");
            c.Fails(EINVAL, UTimeNs(path, new TimeSpec(0, 0), new TimeSpec(0, nanoseconds)), $"{nanoseconds}");
        }
    }

    [Check("POSIX futimens: by descriptor, and utimensat follows links")]
    public static void DescriptorsAndLinks(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDONLY);
        c.Ok(FUTimeNs(fd, new TimeSpec(1, 2), new TimeSpec(3, 4)));
        c.Equal((new TimeSpec(1, 2), new TimeSpec(3, 4)), (c.StatOf(fd).Atime, c.StatOf(fd).Mtime));
        c.Ok(SymLink("f", c.At("l")));
        c.Ok(UTimeNs(c.At("l"), new TimeSpec(5, 6), new TimeSpec(7, 8)));
        c.Equal(new TimeSpec(7, 8), c.StatOf(c.At("f")).Mtime);
        c.Fails(EBADF, FUTimeNs(9999, default, default));
    }

    [Check("POSIX utimensat: marks ctime")]
    public static void MarksCtime(CheckContext c)
    {
        var path = c.Create("f");
        var tick = c.NextTick(c.StatOf(path).Ctime);
        c.Ok(UTimeNs(path, new TimeSpec(1, 0), new TimeSpec(1, 0)));
        c.True(c.StatOf(path).Ctime >= tick, "ctime");
    }

    [Check("POSIX utimensat [EPERM], [EACCES]: writers may stamp now, only the owner anything",
        Needs = Needs.OtherUsers)]
    public static void WhoMayStamp(CheckContext c)
    {
        c.Create("f", "", Octal(666));
        c.Create("g", "", Octal(644));
        User.Alice.Run(() =>
        {
            c.Ok(Touch(c.At("f")));
            c.Ok(UTimeNs(c.At("f"), TimeSpec.Now, TimeSpec.Now));
            c.Fails(EPERM, UTimeNs(c.At("f"), new TimeSpec(1, 0), new TimeSpec(1, 0)));
            c.Fails(EPERM, UTimeNs(c.At("f"), TimeSpec.Omit, TimeSpec.Now));
            c.Fails(EACCES, Touch(c.At("g")));
            c.Fails(EPERM, UTimeNs(c.At("g"), new TimeSpec(1, 0), new TimeSpec(1, 0)));
        });
        c.Ok(ChOwn(c.At("g"), 70001, 70001));
        c.Ok(ChMod(c.At("g"), 0));
        User.Alice.Run(() => c.Ok(UTimeNs(c.At("g"), new TimeSpec(1, 0), new TimeSpec(1, 0))));
    }

    [Check("POSIX write: marks mtime and ctime; nothing is marked by writing nothing")]
    public static void WritingMarks(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_RDWR);
        var before = c.StatOf(fd);
        var tick = c.NextTick(before.Mtime);
        c.Equal(0L, c.Ok(Write(fd, "")));
        c.Equal(before.Mtime, c.StatOf(fd).Mtime);
        c.Ok(PWrite(fd, "x", 0));
        c.True(c.StatOf(fd).Mtime >= tick && c.StatOf(fd).Ctime >= tick, "write");
        c.Equal((c.StatOf(fd).Mtime, c.StatOf(fd).Ctime), (c.StatOf(c.At("f")).Mtime, c.StatOf(c.At("f")).Ctime));
    }

    [Check("POSIX read, 4.9: reading marks neither mtime nor ctime")]
    public static void ReadingLeavesMtime(CheckContext c)
    {
        var before = c.StatOf(c.Create("f", "content"));
        c.NextTick(before.Mtime);
        c.ReadAll(c.At("f"));
        c.Names(c.Dir);
        c.Equal((before.Mtime, before.Ctime), (c.StatOf(c.At("f")).Mtime, c.StatOf(c.At("f")).Ctime));
    }

    [Check("POSIX 4.9: what is made has the same time in all stamps, and it is now")]
    public static void NewFilesAreStampedNow(CheckContext c)
    {
        var tick = c.NextTick(default);
        var stat = c.StatOf(c.Create("f"));
        c.True(stat.Mtime >= tick && stat.Ctime >= tick && stat.Atime >= tick, "not before");
        var clock = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        c.True(Math.Abs(stat.Mtime.Seconds - clock) < 300, $"mtime {stat.Mtime}, clock {clock}");
    }

    [Check("POSIX 4.9: a stamp of later is never earlier")]
    public static void StampsDoNotGoBack(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDWR);
        var last = c.StatOf(fd).Mtime;
        for (var i = 0; i < 500; i++)
        {
            c.Ok(PWrite(fd, "x", i));
            var now = c.StatOf(fd).Mtime;
            c.True(now >= last, $"{last} then {now}");
            last = now;
        }
    }
}
