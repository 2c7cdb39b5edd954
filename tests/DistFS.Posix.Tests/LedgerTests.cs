using System.Diagnostics;
using System.Globalization;
using DistFS.Posix.Ledger;

namespace DistFS.Posix.Tests;

/// <summary>
/// The ledger: a writer that is killed leaves what it acknowledged, and a checker sees what is not so.
/// </summary>
public sealed class LedgerTests : IDisposable
{
    private const int Records = 200;
    private readonly Scratch _scratch = new();

    private string Data => $"{_scratch.Path}/data";

    private string Ledger => $"{_scratch.Path}/ledger";

    [Theory]
    [InlineData(1)]
    [InlineData(47)]
    [InlineData(203)]
    public void AWriterThatIsKilledLeavesWhatItAcknowledged(int recordsMin)
    {
        var start = new ProcessStartInfo(Peer.Program, ["ledger", "write", Data, Ledger, "--seed", $"{recordsMin}"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using var writer = Process.Start(start)!;
        while (int.Parse(writer.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture) < recordsMin)
        {
        }

        writer.Kill();
        writer.WaitForExit();
        var checker = new LedgerChecker(Data, Ledger);
        Assert.Empty(checker.Check());
        Assert.True(checker.Acknowledged >= recordsMin);
    }

    [Fact]
    public void ACompleteFolderHasNoViolation()
    {
        Write();
        Assert.Empty(Check());
        Assert.Equal(Records, new LedgerChecker(Data, Ledger).Acknowledged);
    }

    /// <summary>The record after the last one may be there in part or as a whole.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void TheRecordUnderWayMayBeThere(int pattern)
    {
        var acknowledged = 100 + pattern;
        Write();
        Truncate(acknowledged);
        Undo(acknowledged + 1);
        Assert.Equal((LedgerPattern)pattern, LedgerRecord.PatternOf(acknowledged));
        Assert.Empty(Check());
    }

    /// <summary>Of an append or a new file any prefix may be there, of a replaced file and a slot none.</summary>
    [Theory]
    [InlineData(LedgerPattern.Append, true)]
    [InlineData(LedgerPattern.NewFile, true)]
    [InlineData(LedgerPattern.Replace, false)]
    [InlineData(LedgerPattern.Overwrite, false)]
    public void APrefixOfTheRecordUnderWay(LedgerPattern pattern, bool isAllowed)
    {
        var id = 100L + (int)pattern;
        new LedgerWriter(Data, Ledger, seed: 1).Write(id, _ => { });
        var content = LedgerRecord.Content(1, id);
        var (path, at) = pattern switch
        {
            LedgerPattern.Append => (LedgerRecord.LogPath(Data), new FileInfo(LedgerRecord.LogPath(Data)).Length),
            LedgerPattern.NewFile => (LedgerRecord.FilePath(Data, id), 0L),
            LedgerPattern.Replace => (LedgerRecord.ReplacedPath(Data, LedgerRecord.SlotOf(id)), 0L),
            _ => (LedgerRecord.SlotsPath(Data), LedgerRecord.SlotOf(id) * (long)LedgerRecord.SlotBytes),
        };
        using (var file = File.OpenWrite(path))
        {
            file.Position = at;
            file.Write(content, 0, content.Length / 2);
        }

        Assert.Equal(isAllowed, Check().Count == 0);
    }

    public static TheoryData<string> Violations => ["append lost", "append flipped", "append zeros behind",
        "new lost", "new flipped", "new short", "removed back", "replaced lost", "replaced older", "replaced mixed",
        "slot flipped", "slot older", "slots short"];

    [Theory]
    [MemberData(nameof(Violations))]
    public void AViolatedFolderIsSeen(string violation)
    {
        Write();
        Violate(violation);
        Assert.NotEmpty(Check());
    }

    [Fact]
    public void ALedgerWithAForeignLineIsRefused()
    {
        Write();
        File.WriteAllText(Ledger, File.ReadAllText(Ledger).Replace("\n7 ", "\n8 ", StringComparison.Ordinal));
        Assert.Throws<LedgerException>(() => new LedgerChecker(Data, Ledger));
    }

    public void Dispose() => _scratch.Dispose();

    private void Violate(string violation)
    {
        var log = LedgerRecord.LogPath(Data);
        var slots = LedgerRecord.SlotsPath(Data);
        var slot = LedgerRecord.SlotOf(53);
        var replaced = LedgerRecord.ReplacedPath(Data, LedgerRecord.SlotOf(102));
        switch (violation)
        {
            case "append lost":
                Edit(log, b => b[..^1]);
                break;
            case "append flipped":
                Edit(log, b => Flip(b, b.Length / 2));
                break;
            case "append zeros behind":
                Edit(log, b => [.. b, 0, 0, 0]);
                break;
            case "new lost":
                File.Delete(LedgerRecord.FilePath(Data, Records - 4));
                break;
            case "new flipped":
                Edit(LedgerRecord.FilePath(Data, Records - 4), b => Flip(b, 20));
                break;
            case "new short":
                Edit(LedgerRecord.FilePath(Data, Records - 4), b => b[..^1]);
                break;
            case "removed back":
                var removed = Enumerable.Range(0, Records).Where(id => id % 5 == 4)
                    .Select(id => LedgerRecord.RemovedBy(id)).First(id => id > 0);
                File.WriteAllBytes(LedgerRecord.FilePath(Data, removed), LedgerRecord.Content(1, removed));
                break;
            case "replaced lost":
                File.Delete(replaced);
                break;
            case "replaced older":
                File.WriteAllBytes(replaced, LedgerRecord.Content(1, 22));
                break;
            case "replaced mixed":
                Edit(replaced, b => [.. b[..20], .. LedgerRecord.Content(1, 22)[20..]]);
                break;
            case "slot flipped":
                Edit(slots, b => Flip(b, slot * LedgerRecord.SlotBytes));
                break;
            case "slot older":
                Edit(slots, b => [.. b[..(slot * LedgerRecord.SlotBytes)],
                    .. new byte[LedgerRecord.SlotBytes], .. b[((slot + 1) * LedgerRecord.SlotBytes)..]]);
                break;
            default:
                Edit(slots, b => b[..^1]);
                break;
        }
    }

    private void Write() => new LedgerWriter(Data, Ledger, seed: 1).Write(Records, _ => { });

    private IReadOnlyList<string> Check() => new LedgerChecker(Data, Ledger).Check();

    /// <summary>A ledger with fewer records than the folder has.</summary>
    private void Truncate(int records) => File.WriteAllLines(Ledger, File.ReadAllLines(Ledger).Take(records + 1));

    /// <summary>Writes the folder anew up to a record, as if the writer had been killed before the next.</summary>
    private void Undo(int records)
    {
        var ledger = File.ReadAllText(Ledger);
        Directory.Delete(Data, recursive: true);
        File.Delete(Ledger);
        new LedgerWriter(Data, Ledger, seed: 1).Write(records, _ => { });
        File.WriteAllText(Ledger, ledger);
    }

    private static void Edit(string path, Func<byte[], byte[]> change) =>
        File.WriteAllBytes(path, change(File.ReadAllBytes(path)));

    private static byte[] Flip(byte[] bytes, int at)
    {
        bytes[at] ^= 1;
        return bytes;
    }
}
