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
        var (bytes, meta) = MakeSnapshot(10);
        var host = NewHost();
        host.Core.Step(Append(new Term(1), default, Entry(1, 1, "old")) with { Commit = new LogIndex(1) });
        host.Executor.Advance();
        host.WriteAll();
        host.ReleaseAll();
        host.Executor.Advance();
        Assert.Contains("to apply", host.Take());
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
    public void ALogIsHiddenFromTheCoreBeforeItIsCompacted()
    {
        var host = NewHost();
        host.FollowWith(20);
        var snapshot = host.Executor.BeginSnapshot();
        Assert.Equal(new LogIndex(20), snapshot.Last.Index);
        Assert.True(host.Executor.OpenSnapshot(snapshot));
        ReadyExecutor.WriteSnapshot(snapshot);
        var meta = ReadyExecutor.CommitSnapshot(snapshot);
        snapshot.Dispose();
        Assert.NotNull(meta);
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
        Assert.Equal(3, again.Executor.AppliedConfiguration.Members.Count);
    }

    private static EntryId Id(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    private static RaftEntry Entry(ulong term, ulong index, string text) =>
        new() { Id = Id(term, index), Data = System.Text.Encoding.UTF8.GetBytes(text) };

    private static AppendRequest Append(Term term, EntryId previous, params RaftEntry[] entries) =>
        new() { From = Two, To = One, Term = term, Previous = previous, Entries = entries, Commit = default };

    private static AppendReply Appended(MemberId from, Term term, LogIndex index) =>
        new() { From = from, To = One, Term = term, Rejected = false, Index = index };

    private static (byte[] Bytes, SnapshotMeta Meta) MakeSnapshot(int items)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, items).Select(i => $"{i}\n")));
        return (bytes, new SnapshotMeta
        {
            Id = 77,
            Last = Id(1, 100),
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
        RaftStore.Format(disk, new Identity(new ClusterId(1), One, new StoreId(1)), RecordingHost.Members);
        var store = RaftStore.Open(disk, new RaftStoreOptions { SegmentBytes = 1 << 20 }, new Prng(1));
        _stores.Add(store);
        var host = new RecordingHost(store);
        disk.Trace = host.Note;
        return host;
    }
}
