using DistFS.Posix.Racing;

namespace DistFS.Posix.Checks;

/// <summary>Eight processes race for the same names: each name has exactly one winner.</summary>
public static class RacingChecks
{
    private const int Rounds = 300;

    [Check("open(2) O_EXCL; POSIX open: the check and the creation are atomic")]
    public static void ExclusiveCreateHasOneWinner(CheckContext c) => OneWinnerEach(c, "create");

    [Check("POSIX mkdir [EEXIST]")]
    public static void MkdirHasOneWinner(CheckContext c) => OneWinnerEach(c, "mkdir");

    [Check("POSIX symlink [EEXIST]")]
    public static void SymlinkHasOneWinner(CheckContext c) => OneWinnerEach(c, "symlink");

    [Check("POSIX link [EEXIST]; stat(2) st_nlink")]
    public static void LinkHasOneWinnerAndEveryLinkCounts(CheckContext c)
    {
        var source = c.Create("source");
        using var race = new RacingProcesses(c);
        c.Equal(Rounds, race.Race("link", Rounds).Sum());
        c.Equal((uint)Rounds + 1, c.StatOf(source).Links);
        c.Equal(Rounds + 1, c.Names(c.Second(".")).Count);
    }

    [Check("POSIX unlink [ENOENT]")]
    public static void UnlinkHasOneWinner(CheckContext c)
    {
        for (var i = 0; i < Rounds; i++)
        {
            c.Create($"{i}");
        }

        OneWinnerEach(c, "unlink", namesLeft: 0);
    }

    [Check("POSIX rmdir [ENOENT]")]
    public static void RmdirHasOneWinner(CheckContext c)
    {
        for (var i = 0; i < Rounds; i++)
        {
            c.Directory($"{i}");
        }

        OneWinnerEach(c, "rmdir", namesLeft: 0);
        c.True(c.StatOf(c.Dir).Links is 1 or 2);
    }

    [Check("POSIX rename [ENOENT]: a name is moved once")]
    public static void RenameHasOneWinner(CheckContext c)
    {
        for (var i = 0; i < Rounds; i++)
        {
            c.Create($"{i}");
        }

        OneWinnerEach(c, "rename");
        c.True(c.Names(c.Dir).TrueForAll(n => n.StartsWith("won-", StringComparison.Ordinal)));
    }

    [Check("rename(2) RENAME_NOREPLACE [EEXIST]")]
    public static void RenameWithoutReplacingHasOneWinner(CheckContext c)
    {
        c.Create("from");
        c.Create("to");
        var probe = Rename(c.At("from"), c.At("to"), RENAME_NOREPLACE);
        if (probe.Error == EINVAL)
        {
            CheckContext.NotRun("renameat2(RENAME_NOREPLACE): EINVAL");
        }

        using var race = new RacingProcesses(c);
        c.Equal(Rounds, race.Race("noreplace", Rounds).Sum());
        var names = c.Names(c.Second("."));
        c.Equal(Rounds, names.Count(n => int.TryParse(n, out _)));
        var losers = names.Count(n => n.StartsWith("own-", StringComparison.Ordinal));
        c.Equal(Rounds * (RacingProcesses.Racers - 1), losers);
    }

    [Check("POSIX rename: a link named new remains visible throughout and refers to the old or the new file")]
    public static void AFileThatIsReplacedIsAlwaysThereAndWhole(CheckContext c)
    {
        c.Create("target", Racer.Record(0, 0));
        using var race = new RacingProcesses(c);
        c.Equal(Rounds * RacingProcesses.Racers, race.Race("replace", Rounds).Sum());
        c.Equal("target", string.Join(' ', c.Names(c.Second("."))));
        c.Equal(1u, c.StatOf(c.At("target")).Links);
    }

    [Check("POSIX write: O_APPEND sets the offset to the end before each write, with nothing in between")]
    public static void AppendedRecordsAreAllThereOnce(CheckContext c)
    {
        c.Create("log");
        using var race = new RacingProcesses(c);
        race.Race("append", Rounds);
        var text = c.ReadAll(c.Second("log"));
        c.Equal((long)Rounds * RacingProcesses.Racers * Racer.RecordBytes, text.Length);
        var records = text.Chunk(Racer.RecordBytes).Select(r => new string(r)).ToHashSet(StringComparer.Ordinal);
        for (var racer = 0; racer < RacingProcesses.Racers; racer++)
        {
            var present = Enumerable.Range(0, Rounds).Count(round => records.Contains(Racer.Record(racer, round)));
            c.Equal(Rounds, present, $"racer {racer}");
        }
    }

    [Check("POSIX fcntl F_SETLKW: a write lock excludes all others")]
    public static void ACounterUnderALockMissesNothing(CheckContext c)
    {
        c.Create("counter", new string('\0', 8));
        using var race = new RacingProcesses(c);
        race.Race("count", Rounds);
        c.Equal(Rounds * RacingProcesses.Racers, BitConverter.ToInt64(Bytes(c.ReadAll(c.Second("counter")))));
    }

    private static void OneWinnerEach(CheckContext c, string kind, int namesLeft = Rounds)
    {
        using var race = new RacingProcesses(c);
        c.Equal(Rounds, race.Race(kind, Rounds).Sum(), "winners");
        c.Equal(namesLeft, c.Names(c.Second(".")).Count, "names");
    }
}
