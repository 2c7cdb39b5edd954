namespace DistFS.Posix.Checks;

/// <summary>What programs build locks and safe saves from: O_EXCL, link, rename.</summary>
public static class ExclusiveChecks
{
    [Check("open(2) O_EXCL: made once, refused until it is gone, then made again")]
    public static void ALockFileIsTakenOnce(CheckContext c)
    {
        for (var i = 0; i < 100; i++)
        {
            var fd = c.Open(c.At("lock"), O_WRONLY | O_CREAT | O_EXCL, Octal(600));
            c.Fails(EEXIST, Sys.Open(c.Second("lock"), O_WRONLY | O_CREAT | O_EXCL, Octal(600)), $"{i}");
            c.Close(fd);
            c.Fails(EEXIST, Sys.Open(c.Second("lock"), O_WRONLY | O_CREAT | O_EXCL, Octal(600)), $"{i}, closed");
            c.Ok(Unlink(c.At("lock")));
        }
    }

    [Check("open(2) O_EXCL: threads that race have one winner each time")]
    public static void ThreadsHaveOneWinner(CheckContext c)
    {
        const int Racers = 4;
        const int Rounds = 100;
        using var barrier = new Barrier(Racers);
        var wins = new int[Rounds];
        var tasks = Enumerable.Range(0, Racers).Select(racer => CheckContext.Start(() =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                barrier.SignalAndWait();
                var path = racer % 2 == 0 ? c.At($"{round}") : c.Second($"{round}");
                var made = Sys.Open(path, O_WRONLY | O_CREAT | O_EXCL, Octal(600));
                c.True(made.IsOk || made.Error == EEXIST, made.ToString());
                if (made.IsOk)
                {
                    Interlocked.Increment(ref wins[round]);
                    Close(made.Fd);
                }
            }

            return true;
        })).ToArray();
        foreach (var task in tasks)
        {
            c.Await(task, "a racer", 25);
        }

        c.Equal(Rounds, wins.Count(w => w == 1));
    }

    [Check("link(2): a lock by link: the count of links says who has it")]
    public static void ALockByLink(CheckContext c)
    {
        var mine = c.Create("mine");
        var theirs = c.Create("theirs");
        c.Ok(Link(mine, c.At("lock")));
        c.Fails(EEXIST, Link(theirs, c.Second("lock")));
        c.Equal((2u, 1u), (c.StatOf(mine).Links, c.StatOf(theirs).Links));
    }

    [Check("POSIX rename: a file that is saved by rename is never missing nor half")]
    public static void SavesByRenameAreWhole(CheckContext c)
    {
        const int Saves = 300;
        var texts = (string[])[new string('a', 5000), new string('b', 9000)];
        c.Create("f", texts[0]);
        using var stop = new CancellationTokenSource();
        var reader = CheckContext.Start(() =>
        {
            var reads = 0;
            while (!stop.IsCancellationRequested || reads == 0)
            {
                var text = c.ReadAll(c.Second("f"));
                reads++;
                if (!texts.Contains(text))
                {
                    throw new CheckFailedException($"read {reads}: {text.Length} bytes that nobody saved");
                }
            }

            return reads;
        });
        try
        {
            for (var i = 1; i <= Saves; i++)
            {
                c.Create("f.new", texts[i % 2]);
                c.Ok(Rename(c.At("f.new"), c.At("f")));
            }
        }
        finally
        {
            stop.Cancel();
        }

        c.True(c.Await(reader, "the reader") > 0, "something was read");
    }
}
