using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>The log as disk and tail together, against a plain list.</summary>
public sealed class RaftLogViewTests
{
    [Fact]
    public void Disk_and_tail_look_like_one_list()
    {
        var prng = new Prng(6);
        for (var life = 0; life < 300; life++)
        {
            new Model(prng).Run(200);
        }
    }

    /// <summary>Thesis, 3.5, end: a whole term of disagreement at once.</summary>
    [Theory]
    [InlineData(9, 5, 9, 5)]
    [InlineData(9, 4, 7, 3)]
    [InlineData(6, 3, 6, 3)]
    [InlineData(6, 2, 4, 2)]
    [InlineData(99, 9, 9, 5)]
    [InlineData(9, 0, 0, 0)]
    public void The_last_entry_not_after_a_term(ulong index, ulong term, ulong foundIndex, ulong foundTerm)
    {
        var log = new RaftLogView(new TestStorage(RaftConfiguration.Empty));
        foreach (var (i, t) in new ulong[] { 1, 1, 2, 2, 3, 3, 3, 5, 5 }.Select((t, i) => ((ulong)i + 1, t)))
        {
            log.Append(new RaftEntry { Id = new EntryId(new Term(t), new LogIndex(i)) });
        }

        Assert.Equal(
            new EntryId(new Term(foundTerm), new LogIndex(foundIndex)),
            log.LastNotAfter(new LogIndex(index), new Term(term)));
    }

    private sealed class Model
    {
        private readonly Prng _prng;
        private readonly TestStorage _storage = new(RaftConfiguration.Empty);
        private readonly RaftLogView _log;
        private readonly List<RaftEntry> _expected = [];
        private readonly Queue<(IReadOnlyList<RaftEntry> Entries, ulong Last)> _onTheWay = new();
        private ulong _term = 1;
        private ulong _sequence;

        public Model(Prng prng)
        {
            _prng = prng;
            _log = new RaftLogView(_storage);
        }

        public void Run(int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                Step();
                Check();
            }
        }

        private void Step()
        {
            switch (_prng.NextInt32(6))
            {
                case 0 when _expected.Count > 0:
                    Cut(_prng.NextInt32(_expected.Count));
                    break;
                case 1 or 2 when _log.HasUnseen:
                    _onTheWay.Enqueue((_log.HandOut(), (ulong)_expected.Count));
                    break;
                case 3 when _onTheWay.TryDequeue(out var first):
                    _storage.Execute(new RaftReady
                    {
                        Sequence = ++_sequence,
                        Append = first.Entries,
                        HardState = new(new Term(_term), default, default),
                    });
                    _log.MarkStable(new LogIndex(first.Last));
                    break;
                default:
                    Append();
                    break;
            }
        }

        // As the core does it: what is cut off is followed by something, and what is on its way says less from now on.
        private void Cut(int keep)
        {
            _expected.RemoveRange(keep, _expected.Count - keep);
            _log.TruncateBefore(new LogIndex((ulong)keep + 1));
            var waiting = _onTheWay.ToList();
            _onTheWay.Clear();
            waiting.ForEach(way => _onTheWay.Enqueue((way.Entries, Math.Min(way.Last, (ulong)keep))));
            _term++;
            Append();
        }

        private void Append()
        {
            var id = new EntryId(new Term(_term), new LogIndex((ulong)_expected.Count + 1));
            var entry = new RaftEntry { Id = id, Data = new byte[_prng.NextInt32(20)] };
            _expected.Add(entry);
            _log.Append(entry);
        }

        private void Check()
        {
            Assert.Equal(_expected.Count == 0 ? default : _expected[^1].Id, _log.Last);
            Assert.True(_log.Stable <= _log.HandedOut && _log.HandedOut <= _log.Last.Index);
            Assert.All(_expected, entry => Assert.Equal(entry.Term, _log.TermAt(entry.Index)));
            Assert.Null(_log.TermAt(_log.Last.Index.Next));

            // What counts as stable is on the disk, the same.
            for (var at = new LogIndex(1); at <= _log.Stable; at = at.Next)
            {
                Assert.Equal(_expected[(int)at.Value - 1].Term, _storage.TermAt(at));
            }

            if (_expected.Count > 0)
            {
                var from = _prng.NextInt32(_expected.Count);
                var read = _log.Read(new LogIndex((ulong)from + 1), _log.Last.Index, bytesMax: 200)!;
                Assert.Equal(_expected.Skip(from).Take(read.Count), read);
                Assert.True(read.Count == 1 || read.Sum(entry => entry.SizeBytes) <= 200);
            }
        }
    }
}
