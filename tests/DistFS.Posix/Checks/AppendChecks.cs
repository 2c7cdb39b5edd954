namespace DistFS.Posix.Checks;

/// <summary>O_APPEND.</summary>
public static class AppendChecks
{
    [Check("POSIX write: O_APPEND writes at the end, wherever the position is, and moves it there")]
    public static void WritesGoToTheEnd(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "abc"), O_RDWR | O_APPEND);
        c.Equal(0L, c.Ok(LSeek(fd, 0, SEEK_CUR)));
        c.Ok(Write(fd, "d"));
        c.Equal(4L, c.Ok(LSeek(fd, 0, SEEK_CUR)));
        c.Ok(LSeek(fd, 1, SEEK_SET));
        c.Ok(Write(fd, "e"));
        c.Equal("abcde", c.ReadAll(fd));
    }

    [Check("pwrite(2) BUGS: on Linux O_APPEND wins over the offset of pwrite")]
    public static void PwriteAppendsOnLinux(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "abc"), O_RDWR | O_APPEND);
        c.Ok(PWrite(fd, "d", 0));
        c.Equal("abcd", c.ReadAll(fd));
    }

    [Check("POSIX write: what others appended or cut meanwhile is respected")]
    public static void TheEndIsTheEndOfNow(CheckContext c)
    {
        var a = c.Open(c.Create("f"), O_WRONLY | O_APPEND);
        var b = c.Open(c.At("f"), O_WRONLY | O_APPEND);
        c.Ok(Write(a, "1"));
        c.Ok(Write(b, "2"));
        c.Ok(Write(a, "3"));
        c.Ok(Sys.Truncate(c.At("f"), 2));
        c.Ok(Write(b, "4"));
        c.Ok(FTruncate(a, 5));
        c.Ok(Write(a, "5"));
        c.Equal("124\0\0" + "5", c.ReadAll(c.At("f")));
    }

    [Check("POSIX fcntl F_SETFL: O_APPEND is switched on and off on an open file")]
    public static void TheFlagCanBeSwitched(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "abc"), O_RDWR);
        c.Ok(FCntl(fd, F_SETFL, O_APPEND));
        c.Equal((long)O_APPEND, c.Ok(FCntl(fd, F_GETFL, 0)) & O_APPEND);
        c.Ok(Write(fd, "d"));
        c.Ok(FCntl(fd, F_SETFL, 0));
        c.Ok(PWrite(fd, "A", 0));
        c.Equal("Abcd", c.ReadAll(fd));
    }

    [Check("POSIX write: threads that append lose nothing")]
    public static void ThreadsThatAppendLoseNothing(CheckContext c)
    {
        const int Writers = 4;
        const int Each = 500;
        c.Create("f");
        var tasks = Enumerable.Range(0, Writers).Select(writer => CheckContext.Start(() =>
        {
            var fd = c.Open(c.Second("f"), O_WRONLY | O_APPEND);
            for (var i = 0; i < Each; i++)
            {
                c.Ok(Write(fd, $"{writer}:{i:D5}\n"));
            }

            return true;
        })).ToArray();
        foreach (var task in tasks)
        {
            c.Await(task, "a writer", 25);
        }

        var lines = c.ReadAll(c.At("f")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        c.Equal(Writers * Each, lines.Length);
        for (var writer = 0; writer < Writers; writer++)
        {
            var own = lines.Where(l => l.StartsWith($"{writer}:", StringComparison.Ordinal)).ToList();
            c.True(own.SequenceEqual(Enumerable.Range(0, Each).Select(i => $"{writer}:{i:D5}")),
                $"writer {writer} in order");
        }
    }
}
