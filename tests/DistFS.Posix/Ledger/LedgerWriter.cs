using System.Globalization;

namespace DistFS.Posix.Ledger;

/// <summary>
/// A call of the writer failed: whether its record is durable is unknown, so it is not in the ledger.
/// </summary>
internal sealed class LedgerException(string message) : Exception(message);

/// <summary>
/// Writes records, and each into the ledger (on another disk, fsynced) only after its last fsync has returned. Whatever
/// is killed meanwhile, at most the record after the last one of the ledger may be half there.
/// </summary>
internal sealed class LedgerWriter
{
    private readonly string _directory;
    private readonly int _seed;
    private readonly int _ledger;
    private readonly int _log;
    private readonly int _slots;
    private readonly int _newDirectory;
    private readonly int _replacedDirectory;

    /// <param name="directory">Made; must not exist.</param>
    /// <param name="ledger">A file outside it; made; must not exist.</param>
    public LedgerWriter(string directory, string ledger, int seed)
    {
        (_directory, _seed) = (directory, seed);
        Must(MkDir(directory, Octal(755)), $"mkdir {directory}");
        Must(MkDir($"{directory}/new", Octal(755)), "mkdir new");
        Must(MkDir($"{directory}/replaced", Octal(755)), "mkdir replaced");
        _log = Must(Open(LedgerRecord.LogPath(directory), O_WRONLY | O_CREAT | O_EXCL | O_APPEND, Octal(644)),
            "open log");
        _slots = Must(Open(LedgerRecord.SlotsPath(directory), O_WRONLY | O_CREAT | O_EXCL, Octal(644)), "open slots");
        WriteAll(_slots, new byte[LedgerRecord.Slots * LedgerRecord.SlotBytes]);
        _newDirectory = Must(Open($"{directory}/new", O_RDONLY | O_DIRECTORY), "open new");
        _replacedDirectory = Must(Open($"{directory}/replaced", O_RDONLY | O_DIRECTORY), "open replaced");
        foreach (var fd in (ReadOnlySpan<int>)[_log, _slots, _newDirectory, _replacedDirectory])
        {
            Must(FSync(fd), "fsync");
        }

        SyncDirectory(directory);
        SyncDirectory(directory[..directory.LastIndexOf('/')]);
        _ledger = Must(Open(ledger, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, Octal(644)), $"open {ledger}");
        Acknowledge($"seed {seed}\n");
    }

    /// <summary>Writes records from id 0 on, and calls <paramref name="acknowledged"/> after each.</summary>
    public void Write(long records, Action<long> acknowledged)
    {
        for (var id = 0L; id < records; id++)
        {
            var content = LedgerRecord.Content(_seed, id);
            Write(id, content);
            Acknowledge(string.Create(CultureInfo.InvariantCulture, $"{id} {LedgerRecord.Crc(content):x8}\n"));
            acknowledged(id);
        }
    }

    private void Write(long id, byte[] content)
    {
        switch (LedgerRecord.PatternOf(id))
        {
            case LedgerPattern.Append:
                WriteAll(_log, content);
                Must(FSync(_log), "fsync log");
                break;
            case LedgerPattern.NewFile:
                WriteFile(LedgerRecord.FilePath(_directory, id), content);
                Must(FSync(_newDirectory), "fsync new");
                break;
            case LedgerPattern.Replace:
                var temporary = $"{_directory}/replaced/temporary";
                WriteFile(temporary, content);
                Must(Rename(temporary, LedgerRecord.ReplacedPath(_directory, LedgerRecord.SlotOf(id))), "rename");
                Must(FSync(_replacedDirectory), "fsync replaced");
                break;
            case LedgerPattern.Overwrite:
                var at = LedgerRecord.SlotOf(id) * (long)LedgerRecord.SlotBytes;
                var written = Must(PWrite(_slots, content, at), "pwrite");
                if (written != content.Length)
                {
                    throw new LedgerException($"pwrite: {written} of {content.Length} bytes");
                }

                Must(FDataSync(_slots), "fdatasync slots");
                break;
            case LedgerPattern.Remove when LedgerRecord.RemovedBy(id) is >= 0 and var removed:
                Must(Unlink(LedgerRecord.FilePath(_directory, removed)), "unlink");
                Must(FSync(_newDirectory), "fsync new");
                break;
            default:
                break;
        }
    }

    private static void WriteFile(string path, byte[] content)
    {
        var fd = Must(Open(path, O_WRONLY | O_CREAT | O_EXCL, Octal(644)), $"open {path}");
        WriteAll(fd, content);
        Must(FSync(fd), "fsync");
        Must(Close(fd), "close");
    }

    private void Acknowledge(string line)
    {
        WriteAll(_ledger, Bytes(line));
        Must(FSync(_ledger), "fsync ledger");
    }

    private static void SyncDirectory(string path)
    {
        var fd = Must(Open(path.Length == 0 ? "/" : path, O_RDONLY | O_DIRECTORY), $"open {path}");
        Must(FSync(fd), $"fsync {path}");
        Close(fd);
    }

    private static void WriteAll(int fd, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[Must(Sys.Write(fd, bytes), "write")..];
        }
    }

    private static int Must(Outcome outcome, string call) =>
        outcome.IsOk ? (int)outcome.Value : throw new LedgerException($"{call}: {outcome.Error}");
}
