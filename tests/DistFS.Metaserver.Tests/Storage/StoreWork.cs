using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <summary>
/// Random work on a store, from a seed, and a model of what may be on disk at any moment: the states since the last
/// sync, each with the least that its log must still have.
/// </summary>
internal sealed class StoreWork(FaultyDisk disk, ulong seed)
{
    private const int Operations = 22;
    private readonly Prng _prng = new(seed);
    private readonly List<State> _possible = [new State(default, [], default)];
    private readonly List<HardState> _possibleHard = [default];
    private RaftStore? _store;
    private ulong _term;

    /// <summary>How many snapshots the disk refused while the store went on.</summary>
    public int GivenUp { get; private set; }

    private State Now => _possible[^1];

    public void Run()
    {
        _store = Stores.Open(disk);
        NewTerm();
        Sync();
        for (var i = 0; i < Operations; i++)
        {
            switch (_prng.NextInt32(12))
            {
                case 0:
                    NewTerm();
                    break;
                case 1 or 2:
                    Overwrite();
                    break;
                case 3:
                    Compact();
                    break;
                case 4:
                    Install();
                    break;
                case 5:
                    _store.Settle();
                    Synced();
                    break;
                case 6:
                    Reopen();
                    break;
                case 7 or 8:
                    Sync();
                    break;
                default:
                    Append(Now.Last.Index.Value + 1);
                    break;
            }
        }
    }

    /// <summary>Runs on a disk that fails at one step: the error of the store, or null if that step was of a snapshot
    /// that was given up.</summary>
    public StoreFailedException? RunToFailure()
    {
        var error = Record.Exception(Run);
        if (error == null)
        {
            Assert.Equal(1, GivenUp);
            return null;
        }

        return error as StoreFailedException ?? throw new InvalidOperationException("Not of the disk.", error);
    }

    public void AssertPoisoned(ErrorCode code)
    {
        if (_store == null)
        {
            return;
        }

        Action[] calls =
        [
            _store.Sync,
            () => _store.Append([Stores.Entry(_term, Now.Last.Index.Value + 1)]),
            () => _store.SetHardState(Stores.Hard(_term + 1)),
            () => _store.Read(new LogIndex(1), new LogIndex(1), 1),
            () => _store.CompactTo(new LogIndex(1)),
            _store.Settle,
        ];
        Assert.All(calls, call => Assert.Equal(code, Assert.Throws<StoreFailedException>(call).Code));
    }

    /// <summary>What a crash left is one of the possible states, and can be worked with.</summary>
    public void Verify(FaultyDisk after, string where)
    {
        using var store = Stores.Open(after);
        Assert.True(store.IsWhole, where + ": " + string.Join(' ', store.Findings));
        var entries = store.ReadAll();
        Assert.True(
            _possible.Exists(state => state.Allows(store, entries)),
            $"{where}: {store.Compacted}..{store.Last} {string.Join(' ', store.Findings)} is none of "
                + string.Join(", ", _possible));
        Assert.Contains(_possibleHard, hard => hard.Term == store.HardState.Term && hard.Vote == store.HardState.Vote);
        Assert.True(store.HardState.Commit <= store.Last.Index, where);
        Assert.True(store.Compacted.Index.Value == 0 || store.Snapshot!.Last.Index >= store.Compacted.Index, where);
        if (store.Snapshot != null)
        {
            using var content = store.OpenSnapshot();
            content.CopyTo(Stream.Null);
        }

        var term = store.HardState.Term.Value + 1;
        store.SetHardState(Stores.Hard(term));
        store.AppendSynced(Stores.Entries(term, store.Last.Index.Value + 1, store.Last.Index.Value + 3, 700));
        var more = store.ReadAll();
        store.Dispose();
        using var again = Stores.Open(after);
        Assert.Empty(again.Findings);
        Stores.AssertSame(more, again.ReadAll());
    }

    private void NewTerm()
    {
        _term++;
        var hard = Stores.Hard(_term, vote: _prng.NextBelow(3), commit: Now.Base.Index.Value);
        _possibleHard.Add(hard);
        _store!.SetHardState(hard);
    }

    private void Append(ulong from)
    {
        var count = 1 + _prng.NextInt32(5);
        var entries = Enumerable.Range(0, count)
            .Select(i => Stores.Entry(_term, from + (ulong)i, _prng.NextInt32(900))).ToArray();
        var now = Now;
        if (from <= now.Last.Index.Value)
        {
            now = now.CutFrom(from);
            _possible.Add(now);
        }

        _possible.Add(now with { Entries = [.. now.Entries, .. entries] });
        _store!.Append(entries);
    }

    private void Overwrite()
    {
        // What a snapshot has was committed, and is never replaced.
        var entries = Now.Entries.Where(entry => !(entry.Index <= _store!.Snapshot?.Last.Index)).ToArray();
        if (entries.Length == 0)
        {
            return;
        }

        NewTerm();
        Append(entries[_prng.NextInt32(entries.Length)].Index.Value);
    }

    private void Sync()
    {
        _store!.Sync();
        Synced();
    }

    private void Synced()
    {
        _possible.RemoveRange(0, _possible.Count - 1);
        _possible[0] = Now with { Required = Now.Last.Index };
        _possibleHard.RemoveRange(0, _possibleHard.Count - 1);
    }

    private void Reopen()
    {
        Sync();
        _store!.Dispose();
        _store = null;
        _store = Stores.Open(disk);
        Assert.Empty(_store.Findings);
    }

    private void Compact()
    {
        Sync();
        if (Now.Entries.Length < 2)
        {
            return;
        }

        var last = Now.Entries[^2].Id;
        if (_store!.Snapshot?.Last.Index >= last.Index)
        {
            return;
        }

        try
        {
            _store.TakeSnapshot(last.Term.Value, last.Index.Value);
        }
        catch (SnapshotFailedException)
        {
            GivenUp++;
            return;
        }

        var at = Now.Entries[_prng.NextInt32(Now.Entries.Length - 1)].Id;
        _possible.Add(Now with { Base = at, Entries = [.. Now.Entries.Where(entry => entry.Index > at.Index)] });
        _store.CompactTo(at.Index);
        _possible.RemoveAt(0);
    }

    private void Install()
    {
        var index = Now.Last.Index.Value + 1 + _prng.NextBelow(9);
        if (_prng.Chance(0.5) && Now.Entries.Length > 3)
        {
            // The log has an entry of another term in its place.
            index = Now.Entries[^2].Index.Value;
            if (_store!.Snapshot?.Last.Index.Value >= index)
            {
                return;
            }
        }

        NewTerm();
        _possible.Add(new State(Stores.Id(_term, index), [], new LogIndex(index)));
        if (!_store!.Receive(_term, index))
        {
            Assert.NotNull(_store!.IncomingFailure);
            GivenUp++;
            _possible.RemoveAt(_possible.Count - 1);
        }

        Synced();
    }

    /// <summary>A log that may be on disk, of which at least the entries up to <paramref name="Required"/>
    /// are.</summary>
    private sealed record State(EntryId Base, RaftEntry[] Entries, LogIndex Required)
    {
        public EntryId Last => Entries.Length == 0 ? Base : Entries[^1].Id;

        public State CutFrom(ulong index)
        {
            var kept = Entries.Where(entry => entry.Index.Value < index).ToArray();
            var last = new LogIndex(index - 1);
            return this with { Entries = kept, Required = Required < last ? Required : last };
        }

        public bool Allows(RaftStore store, List<RaftEntry> entries)
        {
            if (store.Compacted != Base || entries.Count > Entries.Length || store.Last.Index < Required)
            {
                return false;
            }

            return entries.Zip(Entries).All(pair => Stores.Same(pair.First, pair.Second));
        }

        public override string ToString() => $"{Base}..{Last} (at least {Required})";
    }
}
