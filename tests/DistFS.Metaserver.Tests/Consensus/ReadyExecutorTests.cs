using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>The order in which a member lets things out, step by step, with nothing but this thread.</summary>
public sealed class ReadyExecutorTests : IDisposable
{
    private static readonly MemberId One = new(1);
    private static readonly MemberId Two = new(2);
    private static readonly MemberId Three = new(3);

    private readonly TempFolder _folder = new();
    private readonly List<RaftStore> _stores = [];
    private readonly List<GatedDisk> _disks = [];

    public void Dispose()
    {
        _stores.ForEach(store => store.Dispose());
        _folder.Dispose();
    }

    [Fact]
    public void AFollowerAnswersAnAppendOnlyAfterItIsOnDisk()
    {
        // Thesis, 3.5 and figure 3.1: "before responding".
        var host = NewHost();
        host.Core.Step(Append(new Term(1), default, Entry(1, 1, "a")));
        host.Executor.Advance();
        Assert.Equal(["TermChanged", "Follower", "to disk"], host.Take());
        host.WriteAll();
        Assert.Equal(["sync"], host.Take());
        host.ReleaseAll();
        Assert.Equal(["send AppendReply", "persisted"], host.Take());
    }

    [Fact]
    public void ALeaderSendsBeforeItsOwnDiskAndAppliesAfterIt()
    {
        var host = NewHost();
        host.Lead();
        host.Core.Propose("a"u8.ToArray());
        host.Executor.Advance();
        Assert.Equal(["send AppendRequest", "send AppendRequest", "to disk"], host.Take());

        // A majority without the leader has it: committed, but not applied before this disk has it.
        var index = host.Core.Status.Last.Index;
        host.Core.Step(Appended(Two, host.Core.Status.Term, index));
        host.Core.Step(Appended(Three, host.Core.Status.Term, index));
        host.Executor.Advance();
        Assert.Equal(index, host.Core.Status.Commit);
        Assert.DoesNotContain("to apply", host.Take());
        host.WriteAll();
        host.ReleaseAll();
        host.Executor.Advance();
        Assert.Equal("to apply", host.Take()[^1]);
        host.ApplyAll();
        Assert.Contains("a", host.Machine.Items);
    }

    [Fact]
    public void SeveralValuesAreOneSyncAndAreReleasedInOrder()
    {
        var host = NewHost();
        host.Core.Step(Append(new Term(1), default, Entry(1, 1, "a")));
        host.Executor.Advance();
        host.Core.Step(Append(new Term(1), Id(1, 1), Entry(1, 2, "b")));
        host.Executor.Advance();
        host.Core.Step(Append(new Term(1), Id(1, 2), Entry(1, 3, "c")));
        host.Executor.Advance();
        host.Take();
        host.WriteAll();
        Assert.Equal(["sync"], host.Take());
        host.ReleaseAll();
        Assert.Equal(["send AppendReply", "send AppendReply", "send AppendReply", "persisted"], host.Take());
        Assert.Equal([1UL, 2UL, 3UL], host.Acknowledged);
    }

    [Fact]
    public void WhatWasNotReleasedIsOnDiskAndWasToldToNobody()
    {
        var host = NewHost();
        host.Core.Step(Append(new Term(1), default, Entry(1, 1, "a")));
        host.Executor.Advance();
        host.WriteAll();
        Assert.Empty(host.Acknowledged);
        Assert.Equal(Id(1, 1), host.Store.Last);
    }

    [Fact]
    public void AnInstalledSnapshotWaitsForWhatWasHandedOutBefore()
    {
        var (bytes, meta) = MakeSnapshot(10, last: 100);
        var host = NewHost();
        host.Core.Step(Append(new Term(1), default, Entry(1, 1, "old")) with { Commit = new LogIndex(1) });
        host.Executor.Advance();
        host.WriteAll();
        host.ReleaseAll();
        host.Executor.Advance();
        Assert.Contains("to apply", host.Take());
        Receive(host, bytes, meta);

        // The entry from before the snapshot still waits; the state machine is replaced behind it, not beside it.
        Assert.Equal(meta.Last, host.Store.Compacted);
        Assert.Equal(0, host.Machine.Restored);
        var trace = host.Take().ToList();
        Assert.InRange(trace.LastIndexOf("to apply"), 0, trace.LastIndexOf("persisted"));
        host.ApplyAll();
        Assert.Equal(
            ["applied i1@t1", "restored"],
            host.Take().Where(line => line == "restored" || line.StartsWith("applied", StringComparison.Ordinal)));
        Assert.Equal(meta.Last, host.Executor.AppliedId);
        Assert.Equal(10, host.Machine.Items.Length);
    }

    [Fact]
    public void OfTwoSnapshotsInstalledBeforeOneRestoreTheHostHearsTheNewer()
    {
        var (firstBytes, first) = MakeSnapshot(10, last: 100);
        var (secondBytes, second) = MakeSnapshot(20, last: 200);
        var host = NewHost();
        Receive(host, firstBytes, first);
        Receive(host, secondBytes, second);
        Assert.Equal(second.Last, host.Store.Compacted);
        host.ApplyAll();

        // The first restore already took the newest; of the older one nobody may take this member's state to be.
        Assert.Equal([second.Last.Index], host.Restored);
        Assert.Equal(second.Last, host.Executor.AppliedId);
        Assert.Equal(20, host.Machine.Items.Length);
    }

    [Fact]
    public void ASnapshotHasTheConfigurationOfItsEntryAlsoIfThatCameBackAfterDamage()
    {
        // Two configurations in force at once, each with a majority of its own: thesis, 4.1.
        var four = new RaftConfiguration(
            [.. RecordingHost.Members.Members, new RaftMember(new MemberId(4), default, "127.0.0.1:4")]);
        var configuration = new RaftEntry
        {
            Id = Id(1, 15),
            Kind = EntryKind.Configuration,
            Data = RaftCodec.Encode(four),
        };
        RaftEntry[] entries =
        [
            .. Enumerable.Range(1, 21).Select(i => i == 15 ? configuration : Entry(1, (ulong)i, $"entry {i}.")),
        ];
        var host = NewHost();
        host.Core.Step(Append(new Term(1), default, entries[..20]) with { Commit = new LogIndex(20) });
        host.Settle();
        Assert.Equal(new LogIndex(20), host.Machine.AppliedIndex);
        var store = Damage(host.Store, "entry 10.");
        Assert.False(store.IsWhole);
        Assert.Equal(new LogIndex(9), store.Last.Index);

        // A machine that keeps its state itself: what comes back into the log it does not apply again.
        var again = new RecordingHost(store, new ListMachine(20));
        again.Core.Step(Append(new Term(1), Id(1, 9), entries[9..]) with { Commit = new LogIndex(21) });
        again.Settle();
        Assert.Equal(
            ["applied i21@t1"], again.Take().Where(line => line.StartsWith("applied", StringComparison.Ordinal)));
        using var snapshot = again.Executor.BeginSnapshot();
        Assert.True(again.Executor.OpenSnapshot(snapshot));
        ReadyExecutor.WriteSnapshot(snapshot);
        var meta = ReadyExecutor.CommitSnapshot(snapshot);
        Assert.Equal(Id(1, 21), meta!.Last);
        Assert.Equal(four, meta.Configuration);
    }

    [Fact]
    public void ASnapshotOfAMachineThatWasAheadOfItsLogIsNamedByTheLog()
    {
        var host = NewHost();
        host.FollowWith(20);
        var store = Damage(host.Store, ((char)('a' + 10)).ToString());
        var again = new RecordingHost(store, new ListMachine(20));
        Assert.Equal(default, again.Executor.AppliedId.Term);
        using (var early = again.Executor.BeginSnapshot())
        {
            Assert.False(again.Executor.OpenSnapshot(early));
        }

        again.FollowWith(20);
        using var snapshot = again.Executor.BeginSnapshot();
        Assert.True(again.Executor.OpenSnapshot(snapshot));
        ReadyExecutor.WriteSnapshot(snapshot);
        Assert.Equal(Id(1, 20), ReadyExecutor.CommitSnapshot(snapshot)!.Last);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void APieceThatCannotBeReadIsDamageAndEndsNothing(bool isBadSector)
    {
        var host = NewHost();
        host.FollowWith(20);
        var meta = MakeOwnSnapshot(host);
        if (isBadSector)
        {
            _disks[^1].Fail("read", "snap-");
        }
        else
        {
            Flip(Directory.GetFiles(_disks[^1].Name, "snap-*").Single(), 0);
        }

        var piece = new SnapshotPiece
        {
            From = One,
            To = Two,
            Term = new Term(1),
            Snapshot = meta,
            Offset = 0,
            Length = (int)meta.SizeBytes,
        };
        host.Executor.SendPiece(piece);
        Assert.Equal([isBadSector ? "damaged: disk failed" : "damaged: snapshot damaged"], host.Take());

        // The store goes on, and makes another.
        _disks[^1].Release();
        host.Core.Step(Append(new Term(1), Id(1, 20), Entry(1, 21, "b")) with { Commit = new LogIndex(21) });
        host.Settle();
        meta = MakeOwnSnapshot(host);
        host.Take();
        host.Executor.SendPiece(piece with { Snapshot = meta, Length = (int)meta.SizeBytes });
        Assert.Equal(["send SnapshotPiece"], host.Take());
    }

    [Fact]
    public void ASnapshotThatIsToldToStopIsGivenUp()
    {
        var host = NewHost();
        host.FollowWith(20);
        using (var snapshot = host.Executor.BeginSnapshot())
        {
            Assert.True(host.Executor.OpenSnapshot(snapshot));
            Assert.Throws<OperationCanceledException>(
                () => ReadyExecutor.WriteSnapshot(snapshot, new CancellationToken(canceled: true)));
        }

        Assert.Null(host.Store.Snapshot);
        Assert.Equal(0, host.Machine.OpenViews);
        Assert.NotNull(MakeOwnSnapshot(host));
    }

    [Fact]
    public void ALogIsHiddenFromTheCoreBeforeItIsCompacted()
    {
        var host = NewHost();
        host.FollowWith(20);
        var meta = MakeOwnSnapshot(host);
        Assert.Equal(new LogIndex(20), meta.Last.Index);
        Assert.Equal(new LogIndex(15), host.Executor.HideBefore(meta, keepEntries: 5));

        // In between the entries are still there, for nobody.
        Assert.Equal(default, host.Store.Compacted.Index);
        host.Executor.Compact(new LogIndex(15));
        Assert.Equal(new LogIndex(15), host.Store.Compacted.Index);
        Assert.Null(host.Executor.HideBefore(meta, keepEntries: 5));
    }

    [Fact]
    public void AStateMachineThatIsBehindTheLogStartsFromTheSnapshot()
    {
        var host = NewHost();
        host.FollowWith(20);
        using (var snapshot = host.Executor.BeginSnapshot())
        {
            host.Executor.OpenSnapshot(snapshot);
            ReadyExecutor.WriteSnapshot(snapshot);
            host.Executor.Compact(host.Executor.HideBefore(ReadyExecutor.CommitSnapshot(snapshot)!, 0)!.Value);
        }

        var again = new RecordingHost(host.Store);
        Assert.Equal(new LogIndex(20), again.Executor.AppliedId.Index);
        Assert.Equal(20, again.Machine.Items.Length);
        Assert.Equal(3, again.Store.Snapshot!.Configuration.Members.Count);
    }

    private static EntryId Id(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    private static RaftEntry Entry(ulong term, ulong index, string text) =>
        new() { Id = Id(term, index), Data = System.Text.Encoding.UTF8.GetBytes(text) };

    private static AppendRequest Append(Term term, EntryId previous, params RaftEntry[] entries) =>
        new() { From = Two, To = One, Term = term, Previous = previous, Entries = entries, Commit = default };

    private static AppendReply Appended(MemberId from, Term term, LogIndex index) =>
        new() { From = from, To = One, Term = term, Rejected = false, Index = index };

    /// <summary>A whole snapshot arrives, and is installed.</summary>
    private static void Receive(RecordingHost host, byte[] bytes, SnapshotMeta meta)
    {
        host.Core.Step(new SnapshotPiece
        {
            From = Two,
            To = One,
            Term = new Term(1),
            Snapshot = meta,
            Offset = 0,
            Length = bytes.Length,
            Data = bytes,
        });
        host.Executor.Advance();
        host.WriteAll();
        host.ReleaseAll();
        host.WriteAll();
        host.ReleaseAll();
    }

    private static SnapshotMeta MakeOwnSnapshot(RecordingHost host)
    {
        using var snapshot = host.Executor.BeginSnapshot();
        Assert.True(host.Executor.OpenSnapshot(snapshot));
        ReadyExecutor.WriteSnapshot(snapshot);
        var meta = ReadyExecutor.CommitSnapshot(snapshot);
        Assert.NotNull(meta);
        return meta;
    }

    private static void Flip(string path, long offset)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var one = new byte[1];
        RandomAccess.Read(file, one, offset);
        one[0] ^= 0x55;
        RandomAccess.Write(file, one, offset);
    }

    private static (byte[] Bytes, SnapshotMeta Meta) MakeSnapshot(int items, ulong last)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, items).Select(i => $"{i}\n")));
        return (bytes, new SnapshotMeta
        {
            Id = 77 + last,
            Last = Id(1, last),
            Configuration = RecordingHost.Members,
            SizeBytes = bytes.Length,
            Checksum = Crc32C.Compute(bytes),
        });
    }

    private RecordingHost NewHost()
    {
        var folder = _folder.Sub($"{_stores.Count}");
        Directory.CreateDirectory(folder);
        var disk = new GatedDisk(folder);
        _disks.Add(disk);
        RaftStore.Format(disk, new Identity(new ClusterId(1), One, new StoreId(1)), RecordingHost.Members);
        var store = Open(disk);
        var host = new RecordingHost(store);
        disk.Trace = host.Note;
        return host;
    }

    private RaftStore Open(GatedDisk disk)
    {
        var store = RaftStore.Open(disk, new RaftStoreOptions { SegmentBytes = 1 << 20 }, new Prng(1));
        _stores.Add(store);
        return store;
    }

    /// <summary>The last host's store, opened again after the first entry with that data has rotted.</summary>
    private RaftStore Damage(RaftStore store, string data)
    {
        store.Settle();
        store.Dispose();
        var path = Directory.GetFiles(_disks[^1].Name, "log-*").Single();
        var at = File.ReadAllBytes(path).AsSpan().LastIndexOf(System.Text.Encoding.UTF8.GetBytes(data));
        Assert.True(at > 0);
        Flip(path, at);
        return Open(_disks[^1]);
    }
}
