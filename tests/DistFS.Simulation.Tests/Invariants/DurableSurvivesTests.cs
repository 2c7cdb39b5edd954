using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;
using static DistFS.Simulation.Tests.Invariants.Shadows;

namespace DistFS.Simulation.Tests.Invariants;

/// <summary>A store that comes back with less, with other entries, or with another vote than it had on disk.</summary>
public sealed class DurableSurvivesTests
{
    private readonly LogMatching _logs = new();
    private readonly DurableSurvives _survives;

    public DurableSurvivesTests() => _survives = new DurableSurvives(_logs);

    [Fact]
    public void WhatWasDurableComesBack() => _survives.OnOpened(Known(1, 1, 2), Store(2, 1, 1, 2));

    [Fact]
    public void AnEntryIsLost() => Fails(() => _survives.OnOpened(Known(1, 1, 2), Store(2, 1, 1)));

    [Fact]
    public void AnEntryIsAnother() => Fails(() => _survives.OnOpened(Known(1, 1, 2), Store(2, 1, 2, 2)));

    [Fact]
    public void AnEntryComesFromNowhere() => Fails(() => _survives.OnOpened(Known(1, 1, 2), Store(2, 1, 1, 2, 2)));

    [Fact]
    public void TheTermIsAnother() => Fails(() => _survives.OnOpened(Known(1, 1, 2), Store(3, 1, 1, 2)));

    [Fact]
    public void WhatWasOnItsWayMayOrMayNotHaveArrived()
    {
        var member = Known(1, 1, 2);
        var entry = Entry(3, 2);
        _logs.OnAppend(member, entry);
        member.Log.Append(entry);
        member.HandedOut(new RaftReady { Sequence = 9, HardState = Hard(3), Append = [entry] });
        _survives.OnOpened(member, Store(2, 1, 1, 2));
        _survives.OnOpened(member, Store(3, 1, 1, 2));
        _survives.OnOpened(member, Store(3, 1, 3));
        _survives.OnOpened(member, Store(3, 1));
        Fails(() => _survives.OnOpened(member, Store(3)));
    }

    /// <summary>It lost its beginning, and entries beyond what had been declared durable arrived.</summary>
    [Fact]
    public void WhatArrivedInALogThatIsNotWholeIsDurableFromThen()
    {
        var member = Known(1, 1);
        member.WasDamaged = true;
        var found = new NotWhole(Store(2, 1, 2, 2, 2));
        member.Started(found);
        Assert.Equal(Id(2, 4), member.DurableLog.Last);
        Assert.Equal(Id(2, 4), member.Log.Last);
        Assert.Equal(new Term(2), member.DurableLog.TermAt(new LogIndex(2)));
        var next = new RaftReady { Sequence = 1, Append = [Entry(2, 5)] };
        member.HandedOut(next);
        member.Persisted(next, installed: false);
        Assert.Equal(Id(2, 5), member.DurableLog.Last);
    }

    [Fact]
    public void WhatALogThatIsNotWholeHasLostStillCounts()
    {
        var member = Known(1, 1, 2);
        member.WasDamaged = true;
        member.Started(new NotWhole(Store(2, 1)));
        Assert.Equal(Id(2, 3), member.DurableLog.Last);
        Assert.Equal(Id(1, 1), member.Log.Last);
    }

    /// <summary>A member that has run once and has entries of these terms on disk.</summary>
    private MemberShadow Known(params ReadOnlySpan<ulong> terms)
    {
        var member = Member(1);
        member.Started(Store(0));
        foreach (var term in terms)
        {
            _logs.OnAppend(member, Entry(term, member.Log.Last.Index.Value + 1));
            Grow(member, term);
        }

        return member;
    }

    private static RaftStore Store(ulong term, params ReadOnlySpan<ulong> terms)
    {
        var disk = new SimulatedDisk("d", new Prng(1));
        var identity = new Identity(new ClusterId(1), new MemberId(1), new StoreId(1));
        RaftStore.Format(disk, identity, Voters(1, 2, 3));
        var store = RaftStore.Open(disk, new RaftStoreOptions { SegmentBytes = 4096 }, new Prng(2), identity);
        if (term > 0)
        {
            store.SetHardState(Hard(term));
        }

        var entries = new List<RaftEntry>();
        foreach (var each in terms)
        {
            entries.Add(Entry(each, (ulong)entries.Count + 1));
        }

        store.Append(entries);
        store.Sync();
        return store;
    }

    /// <summary>A store that says of itself that it lost something.</summary>
    private sealed class NotWhole(RaftStore store) : IRaftStorage
    {
        public HardState HardState => store.HardState;

        public SnapshotMeta? Snapshot => store.Snapshot;

        public (SnapshotMeta Meta, long ReceivedBytes)? Incoming => store.Incoming;

        public EntryId Compacted => store.Compacted;

        public EntryId Last => store.Last;

        public RaftConfiguration CompactedConfiguration => store.CompactedConfiguration;

        public bool IsWhole => false;

        public EntryId Promised => store.Last;

        public Term TermAt(LogIndex index) => store.TermAt(index);

        public IReadOnlyList<RaftEntry> Read(LogIndex from, LogIndex last, long bytesMax) =>
            store.Read(from, last, bytesMax);
    }
}
