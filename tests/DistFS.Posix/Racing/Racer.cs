using System.Globalization;

namespace DistFS.Posix.Racing;

/// <summary>
/// One of the processes that race in a directory. Each kind does the same steps in every process; the value of the
/// outcome is how often this one won, an error is one that no loser may get.
/// </summary>
internal static class Racer
{
    /// <summary>Bytes of a record that racers append or replace as a whole.</summary>
    public const int RecordBytes = 512;

    private static readonly Outcome Lost = new(0, OK);

    /// <param name="racer">Which process this is, from 0.</param>
    /// <param name="rounds">How many names are raced for.</param>
    /// <param name="racers">How many processes there are.</param>
    public static Outcome Run(string directory, string kind, int racer, int rounds, int racers)
    {
        var wins = 0L;
        for (var round = 0; round < rounds; round++)
        {
            var outcome = Round(directory, kind, racer, round);
            if (!outcome.IsOk)
            {
                return outcome;
            }

            wins += outcome.Value;
        }

        return racers > 0 ? new Outcome(wins, OK) : new Outcome(-1, EINVAL);
    }

    /// <summary>A record that says who wrote it: text, filled up with one letter per racer.</summary>
    public static string Record(int racer, int round) =>
        string.Create(CultureInfo.InvariantCulture, $"{racer}:{round}:").PadRight(RecordBytes - 1, (char)('a' + racer))
        + "\n";

    private static Outcome Round(string directory, string kind, int racer, int round) => kind switch
    {
        "create" => Won(Create(directory, round), EEXIST),
        "mkdir" => Won(MkDir($"{directory}/{round}", Octal(755)), EEXIST),
        "symlink" => Won(SymLink($"{racer}", $"{directory}/{round}"), EEXIST),
        "link" => Won(Link($"{directory}/source", $"{directory}/{round}"), EEXIST),
        "unlink" => Won(Unlink($"{directory}/{round}"), ENOENT),
        "rmdir" => Won(Sys.RmDir($"{directory}/{round}"), ENOENT),
        "rename" => Won(Rename($"{directory}/{round}", $"{directory}/won-{racer}-{round}"), ENOENT),
        "noreplace" => NoReplace(directory, racer, round),
        "replace" => Replace(directory, racer, round),
        "append" => Append(directory, racer, round),
        "count" => Count(directory),
        _ => new Outcome(-1, EINVAL),
    };

    private static Outcome Won(Outcome outcome, Errno loser) =>
        outcome.IsOk ? new Outcome(1, OK) : outcome.Error == loser ? Lost : outcome;

    private static Outcome Create(string directory, int round)
    {
        var opened = Open($"{directory}/{round}", O_WRONLY | O_CREAT | O_EXCL, Octal(644));
        return opened.IsOk ? Close(opened.Fd) : opened;
    }

    private static Outcome NoReplace(string directory, int racer, int round)
    {
        var own = $"{directory}/own-{racer}-{round}";
        var opened = Open(own, O_WRONLY | O_CREAT | O_EXCL, Octal(644));
        if (!opened.IsOk)
        {
            return opened;
        }

        Close(opened.Fd);
        return Won(Rename(own, $"{directory}/{round}", RENAME_NOREPLACE), EEXIST);
    }

    /// <summary>
    /// Writes a whole record aside and renames it over the target; the target must always be a whole one.
    /// </summary>
    private static Outcome Replace(string directory, int racer, int round)
    {
        var own = $"{directory}/own-{racer}";
        var opened = Open(own, O_WRONLY | O_CREAT | O_EXCL, Octal(644));
        if (!opened.IsOk)
        {
            return opened;
        }

        var written = Write(opened.Fd, Record(racer, round));
        Close(opened.Fd);
        var renamed = written.IsOk ? Rename(own, $"{directory}/target") : written;
        return renamed.IsOk ? SeenWhole($"{directory}/target") : renamed;
    }

    private static Outcome SeenWhole(string path)
    {
        var opened = Open(path, O_RDONLY);
        if (!opened.IsOk)
        {
            return opened;
        }

        var buffer = new byte[RecordBytes + 1];
        var read = Read(opened.Fd, buffer);
        Close(opened.Fd);
        var letter = (byte)('a' + buffer[0] - '0');
        var whole = read.Value == RecordBytes && buffer.AsSpan(12, RecordBytes - 13).IndexOfAnyExcept(letter) < 0;
        return whole ? new Outcome(1, OK) : new Outcome(-1, read.IsOk ? EIO : read.Error);
    }

    private static Outcome Append(string directory, int racer, int round)
    {
        var opened = Open($"{directory}/log", O_WRONLY | O_APPEND);
        if (!opened.IsOk)
        {
            return opened;
        }

        var written = Write(opened.Fd, Record(racer, round));
        Close(opened.Fd);
        return written.Value == RecordBytes ? new Outcome(1, OK) : new Outcome(-1, written.IsOk ? EIO : written.Error);
    }

    /// <summary>Adds one to a number in a file under a record lock of its first byte.</summary>
    private static Outcome Count(string directory)
    {
        var opened = Open($"{directory}/counter", O_RDWR);
        if (!opened.IsOk)
        {
            return opened;
        }

        var range = new FileLock { Type = F_WRLCK, Length = 1 };
        var outcome = FCntl(opened.Fd, F_SETLKW, ref range);
        if (outcome.IsOk)
        {
            Span<byte> number = stackalloc byte[8];
            PRead(opened.Fd, number, 0);
            BitConverter.TryWriteBytes(number, BitConverter.ToInt64(number) + 1);
            outcome = PWrite(opened.Fd, number, 0);
        }

        // Closing releases the lock (fcntl(2)).
        var closed = Close(opened.Fd);
        return !outcome.IsOk ? outcome : closed.IsOk ? new Outcome(1, OK) : closed;
    }
}
