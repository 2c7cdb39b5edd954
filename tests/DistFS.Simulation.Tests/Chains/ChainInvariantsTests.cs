using DistFS.Chunks;
using DistFS.Metadata.Chunks;
using DistFS.Primitives;
using DistFS.Simulation.Chains;
using ChunkState = DistFS.Metadata.Chunks.ChunkState;

namespace DistFS.Simulation.Tests.Chains;

/// <summary>Each invariant of chunks is fed what it is there to find.</summary>
public sealed class ChainInvariantsTests
{
    private readonly ChainFile _file = new(7, blocks: 1);
    private readonly CellWrite _first;
    private readonly CellWrite _second;

    public ChainInvariantsTests()
    {
        _first = _file.Ledger.Begin(0, 2, isDurable: true, version: 1);
        _second = _file.Ledger.Begin(0, 1, isDurable: false, version: 1);
        _file.Ledger.Acknowledge(_first);
        _file.Ledger.Acknowledge(_second);
    }

    private static ChunkRow Row => new()
    {
        State = ChunkState.Sealed,
        Goal = 2,
        Version = new ChunkVersion(1),
        Length = 65_536,
        References = 1,
        Written = new ChunkVersion(1),
        ChangedAt = new LogIndex(1),
        Replicas = new[] { new ServerId(1), new ServerId(2) },
    };

    [Fact]
    public void AcknowledgedBytesAreInNoCopyThatCounts()
    {
        var survive = new AcknowledgedBytesSurvive();
        survive.Check(View(Copy(1, _second.Id), Copy(2, _first.Id)));
        Assert.Throws<InvariantException>(() => survive.Check(View(Copy(1, _first.Id), Copy(2, _first.Id))));
        Assert.Throws<InvariantException>(
            () => survive.Check(View(Copy(1, _second.Id, isUnclean: true), Copy(2, _first.Id))));
    }

    [Fact]
    public void OnlyWhatIsDurableOutlivesACrashOfAll()
    {
        var survive = new AcknowledgedBytesSurvive();
        var crashed = View(Copy(1, _first.Id, isUnclean: true), Copy(2, _first.Id, isUnclean: true));
        survive.Forgive(crashed);
        survive.Check(View(Copy(1, _first.Id), Copy(2, _first.Id)));
        Assert.Throws<InvariantException>(
            () => survive.Forgive(View(Copy(1, 0, isUnclean: true), Copy(2, 0, isUnclean: true))));
    }

    [Fact]
    public void ALossIsNotMarked()
    {
        var marked = new LossIsMarked();
        marked.Check(_file, Copy(1, _second.Id), Copy(1, _first.Id, isUnclean: true));
        marked.Check(_file, Copy(1, _second.Id), Copy(1, _second.Id));
        Assert.Throws<InvariantException>(() => marked.Check(_file, Copy(1, _second.Id), Copy(1, _first.Id)));
    }

    [Fact]
    public void AReadReturnsWhatNobodyWrote()
    {
        var reads = Reads(version: 1);
        var read = reads.Begin(_file, 0, 1);
        Assert.Throws<InvariantException>(() => reads.End(read, 1, Bytes(4_711), now: 0));
        Assert.Throws<InvariantException>(() => reads.End(read, 1, new byte[ByteLedger.CellBytes - 1].Append((byte)1)
            .ToArray(), now: 0));
    }

    [Fact]
    public void AReadReturnsWhatIsOlderThanWhatWasAcknowledgedOrSeen()
    {
        var reads = Reads(version: 1);
        Assert.Throws<InvariantException>(
            () => reads.End(reads.Begin(_file, 0, 1), 1, Bytes(_first.Id), now: 0));

        // Begun before it was acknowledged, it may miss it; once somebody has seen it, nobody may.
        var early = reads.Begin(_file, 1, 1);
        var third = _file.Ledger.Begin(1, 1, isDurable: false, version: 1);
        reads.End(early, 1, Bytes(_first.Id), now: 0);
        reads.End(reads.Begin(_file, 1, 1), 1, Bytes(third.Id), now: 0);
        Assert.Throws<InvariantException>(
            () => reads.End(reads.Begin(_file, 1, 1), 1, Bytes(_first.Id), now: 0));
    }

    [Fact]
    public void WhoReadsInAVersionThatHasEndedMayMissWhatCameAfterItAndOnlyForAWhile()
    {
        _file.Ledger.End(1, now: 0);
        var third = _file.Ledger.Begin(0, 1, isDurable: false, version: 2);
        _file.Ledger.Acknowledge(third);
        var reads = Reads(version: 2);
        reads.End(reads.Begin(_file, 0, 1), 1, Bytes(_second.Id), now: 1);
        Assert.Equal(1, reads.Stale);
        Assert.Throws<InvariantException>(
            () => reads.End(reads.Begin(_file, 0, 1), 1, Bytes(_first.Id), now: 1));
        Assert.Throws<InvariantException>(
            () => reads.End(reads.Begin(_file, 0, 1), 2, Bytes(_second.Id), now: 1));
        Assert.Throws<InvariantException>(() => reads.End(
            reads.Begin(_file, 0, 1), 1, Bytes(_second.Id), ReadsAreFresh.StaleMicrosecondsMax + 1));
    }

    [Fact]
    public void ACopyIsDeletedThatTheLogCountsOn()
    {
        var stay = new GoodCopiesStay();
        var view = View(Copy(1, _second.Id), Copy(2, _second.Id));
        stay.Check(view, Copy(3, _second.Id));
        stay.Check(view, Copy(1, _second.Id, isUnclean: true));
        Assert.Throws<InvariantException>(() => stay.Check(view, Copy(1, _second.Id)));
    }

    [Fact]
    public void AWriteOfAFencedVersionIsTaken()
    {
        var fenced = new FencedChangeNothing();
        fenced.Check("s1", version: 2, known: 2, wasTaken: true);
        fenced.Check("s1", version: 1, known: 2, wasTaken: false);
        Assert.Throws<InvariantException>(() => fenced.Check("s1", version: 1, known: 2, wasTaken: true));
    }

    [Fact]
    public void CopiesDifferWhenAllIsQuiet()
    {
        var equal = new QuietCopiesAreEqual();
        equal.Check(View(Copy(1, _second.Id), Copy(2, _second.Id)));
        equal.Check(View(Copy(1, _second.Id), Copy(2, _first.Id, isUnclean: true)));
        Assert.Throws<InvariantException>(() => equal.Check(View(Copy(1, _second.Id), Copy(2, _first.Id))));
    }

    private static ReadsAreFresh Reads(uint version) => new() { VersionOf = _ => version };

    private static byte[] Bytes(long id)
    {
        var bytes = new byte[ByteLedger.CellBytes];
        ByteLedger.Fill(bytes, id);
        return bytes;
    }

    private ChunkView View(params CopyView[] copies) => new(_file, Row, copies);

    private CopyView Copy(uint server, long id, bool isUnclean = false) => new(
        $"s{server}",
        new ServerId(server),
        new ChunkInfo(
            new ChunkId(1), new ChunkVersion(1), 65_536, default, DistFS.Chunks.ChunkState.Serving, default, true,
            isUnclean),
        [id, id == 0 ? 0 : _first.Id]);
}
