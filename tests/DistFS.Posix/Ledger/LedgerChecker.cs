using System.Globalization;

namespace DistFS.Posix.Ledger;

/// <summary>
/// Compares a directory with its ledger. What was acknowledged must be there and equal, what was acknowledged as
/// removed
/// must be gone. Only the one record after the last acknowledged may be under way: absent or present, and for appends
/// and
/// new files any prefix of it, never other bytes.
/// </summary>
internal sealed class LedgerChecker
{
    private readonly string _directory;
    private readonly List<string> _violations = [];
    private readonly int _seed;

    /// <summary>How many records are acknowledged; ids below it are.</summary>
    private readonly long _acknowledged;

    public LedgerChecker(string directory, string ledger)
    {
        _directory = directory;
        (_seed, _acknowledged) = ReadLedger(ledger);
    }

    public long Acknowledged => _acknowledged;

    /// <summary>What is not as it must be; empty when all is well.</summary>
    public IReadOnlyList<string> Check()
    {
        CheckLog();
        CheckNewFiles();
        for (var slot = 0; slot < LedgerRecord.Slots; slot++)
        {
            CheckReplaced(slot);
        }

        CheckSlots();
        return _violations;
    }

    /// <summary>
    /// The seed and how many records the ledger has; a last line without its end was never acknowledged.
    /// </summary>
    private static (int Seed, long Acknowledged) ReadLedger(string path)
    {
        var text = System.Text.Encoding.Latin1.GetString(
            ReadFile(path, out var error) ?? throw new LedgerException($"{path}: {error}"));
        var lines = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || !lines[0].StartsWith("seed ", StringComparison.Ordinal))
        {
            throw new LedgerException($"{path} is not a ledger");
        }

        var seed = int.Parse(lines[0].AsSpan(5), CultureInfo.InvariantCulture);
        for (var id = 0; id < lines.Length - 1; id++)
        {
            var expected = string.Create(
                CultureInfo.InvariantCulture, $"{id} {LedgerRecord.Crc(LedgerRecord.Content(seed, id)):x8}");
            if (lines[id + 1] != expected)
            {
                throw new LedgerException($"{path}: line {id + 2} is '{lines[id + 1]}', expected '{expected}'");
            }
        }

        return (seed, lines.Length - 1);
    }

    /// <summary>The acknowledged appends in order; behind them nothing but a prefix of the one under way.</summary>
    private void CheckLog()
    {
        if (ReadFile(LedgerRecord.LogPath(_directory), out var error) is not { } log)
        {
            _violations.Add($"the log: {error}");
            return;
        }

        var rest = log.AsSpan();
        for (var id = 0L; id < _acknowledged; id += LedgerRecord.Patterns)
        {
            var content = LedgerRecord.Content(_seed, id);
            if (!rest.StartsWith(content))
            {
                var common = rest.CommonPrefixLength(content);
                _violations.Add($"append {id}: {common} of {content.Length} bytes are there and equal");
                return;
            }

            rest = rest[content.Length..];
        }

        if (!IsPrefixOfUnderWay(LedgerPattern.Append, rest))
        {
            _violations.Add($"the log: {rest.Length} bytes behind the last record that nobody wrote");
        }
    }

    private void CheckNewFiles()
    {
        var removed = new HashSet<long>();
        for (var id = (long)LedgerPattern.Remove; id < _acknowledged; id += LedgerRecord.Patterns)
        {
            removed.Add(LedgerRecord.RemovedBy(id));
        }

        var underWay = UnderWay(LedgerPattern.Remove) ? LedgerRecord.RemovedBy(_acknowledged) : -1;
        for (var id = (long)LedgerPattern.NewFile; id < _acknowledged; id += LedgerRecord.Patterns)
        {
            var found = ReadFile(LedgerRecord.FilePath(_directory, id), out var error);
            if (removed.Contains(id))
            {
                Require(found is null && error == ENOENT, $"new file {id}: was removed, and is there again ({error})");
            }
            else if (found is null)
            {
                Require(id == underWay && error == ENOENT, $"new file {id}: {error}");
            }
            else
            {
                Require(found.AsSpan().SequenceEqual(LedgerRecord.Content(_seed, id)), $"new file {id}: other bytes");
            }
        }

        var last = ReadFile(LedgerRecord.FilePath(_directory, _acknowledged), out var lastError);
        Require(
            last is null ? lastError == ENOENT : IsPrefixOfUnderWay(LedgerPattern.NewFile, last),
            $"new file {_acknowledged}, under way: {(last is null ? lastError : "bytes that nobody wrote")}");
    }

    private void CheckReplaced(int slot)
    {
        var found = ReadFile(LedgerRecord.ReplacedPath(_directory, slot), out var error);
        var last = LastIn(slot, LedgerPattern.Replace);
        var isUnderWay = UnderWay(LedgerPattern.Replace) && LedgerRecord.SlotOf(_acknowledged) == slot;
        if (found is null)
        {
            Require(last < 0 && error == ENOENT, $"replaced file {slot}: {error}, record {last} was acknowledged");
            return;
        }

        var isWhole = last >= 0 && found.AsSpan().SequenceEqual(LedgerRecord.Content(_seed, last));
        isWhole |= isUnderWay && found.AsSpan().SequenceEqual(LedgerRecord.Content(_seed, _acknowledged));
        Require(isWhole, $"replaced file {slot}: neither record {last} nor the one under way");
    }

    private void CheckSlots()
    {
        if (ReadFile(LedgerRecord.SlotsPath(_directory), out var error) is not { } slots)
        {
            _violations.Add($"the slots: {error}");
            return;
        }

        if (slots.Length != LedgerRecord.Slots * LedgerRecord.SlotBytes)
        {
            _violations.Add($"the slots: {slots.Length} bytes");
            return;
        }

        for (var slot = 0; slot < LedgerRecord.Slots; slot++)
        {
            var found = slots.AsSpan(slot * LedgerRecord.SlotBytes, LedgerRecord.SlotBytes);
            var last = LastIn(slot, LedgerPattern.Overwrite);
            var old = last < 0 ? new byte[LedgerRecord.SlotBytes] : LedgerRecord.Content(_seed, last);
            var isWhole = found.SequenceEqual(old);
            isWhole |= UnderWay(LedgerPattern.Overwrite) && LedgerRecord.SlotOf(_acknowledged) == slot
                && found.SequenceEqual(LedgerRecord.Content(_seed, _acknowledged));
            Require(isWhole, $"slot {slot}: neither record {last} nor the one under way");
        }
    }

    /// <summary>The last acknowledged record of a slot, or -1.</summary>
    private long LastIn(int slot, LedgerPattern pattern)
    {
        for (var id = _acknowledged - 1; id >= 0; id--)
        {
            if (LedgerRecord.PatternOf(id) == pattern && LedgerRecord.SlotOf(id) == slot)
            {
                return id;
            }
        }

        return -1;
    }

    private bool UnderWay(LedgerPattern pattern) => LedgerRecord.PatternOf(_acknowledged) == pattern;

    private bool IsPrefixOfUnderWay(LedgerPattern pattern, ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty
        || (UnderWay(pattern) && LedgerRecord.Content(_seed, _acknowledged).AsSpan().StartsWith(bytes));

    private void Require(bool holds, string violation)
    {
        if (!holds)
        {
            _violations.Add(violation);
        }
    }

    private static byte[]? ReadFile(string path, out Errno error)
    {
        var opened = Open(path, O_RDONLY);
        error = opened.Error;
        if (!opened.IsOk)
        {
            return null;
        }

        using var content = new MemoryStream();
        var buffer = new byte[65536];
        Outcome read;
        while ((read = Read(opened.Fd, buffer)).Value > 0)
        {
            content.Write(buffer, 0, (int)read.Value);
        }

        Close(opened.Fd);
        error = read.Error;
        return read.IsOk ? content.ToArray() : null;
    }
}
