using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>Nothing that a peer sends makes the core throw, and nonsense changes nothing.</summary>
public sealed class RaftCoreStepTests
{
    private const ulong Absurd = 1UL << 62;

    private static readonly RaftEventKind[] LiesReach =
    [
        RaftEventKind.Leader, RaftEventKind.QuorumLost, RaftEventKind.Truncated, RaftEventKind.ConfigurationChanged,
        RaftEventKind.SnapshotInstalled, RaftEventKind.PeerAtFault, RaftEventKind.MessageRefused,
    ];

    public static TheoryData<string> Nonsense() => [.. NonsenseMessages().Keys];

    /// <summary>A follower, a candidate and a leader all shrug it off, with an event that says why.</summary>
    [Theory]
    [MemberData(nameof(Nonsense))]
    public void Nonsense_changes_nothing(string what)
    {
        for (var id = 1; id <= 3; id++)
        {
            var cluster = new TestCluster(3);
            cluster.Elect(1).Propose("x");
            cluster.Run(3);
            cluster.Isolate(3);
            cluster.Campaign(3);
            var node = cluster[id];
            var from = id == 2 ? 1UL : 2UL;
            var message = NonsenseMessages()[what](cluster.Leader!.Core.Status.Term) with { To = node.Id };
            message = message.From.Value == 0xFF
                ? message with { From = new MemberId(from), FromStore = TestCluster.StoreOf(from) }
                : message;
            var before = Describe(node);
            node.Events.Clear();
            node.Step(message);
            Assert.Equal(before, Describe(node));

            // An answer that nobody waits for is not worth an event.
            var isAnswer = message is AppendReply or HeartbeatReply or SnapshotReply or ReadIndexReply or VoteReply;
            Assert.True(node.Events.Count > 0 || (isAnswer && message.Term.Value < Absurd), $"no event at {node.Id}");
        }
    }

    /// <summary>A configuration of a newer version that was taken and not understood would let two quorums be disjoint;
    /// an entry that the disk does not take would end the process.</summary>
    [Theory]
    [InlineData(EntryKind.Configuration, 3)]
    [InlineData(EntryKind.Command, 2001)]
    public void An_entry_that_cannot_be_kept_is_refused(EntryKind kind, int bytes)
    {
        var cluster = new TestCluster(
            3, options: options => options with { EntryBytesMax = 2000, CommandBytesMax = 2000 });
        cluster.Elect(1).Propose(new byte[2000]);
        cluster.Run(3);
        var follower = cluster[2];
        var last = follower.Core.Status.Last;
        var entry = new RaftEntry { Id = new EntryId(last.Term, last.Index.Next), Kind = kind, Data = new byte[bytes] };
        follower.Events.Clear();
        follower.Step(new AppendRequest
        {
            From = new MemberId(1),
            FromStore = TestCluster.StoreOf(1),
            To = new MemberId(2),
            Term = last.Term,
            Previous = last,
            Entries = [entry],
            Commit = default,
        });
        Assert.Equal(last, follower.Core.Status.Last);
        Assert.True(follower.Saw(RaftEventKind.PeerAtFault));
    }

    /// <summary>Whoever lies, in whatever role and order: no exception, and the disk gets nothing that cannot
    /// be.</summary>
    [Fact]
    public void Random_lies_break_nothing()
    {
        var prng = new Prng(3);
        var seen = new SortedDictionary<RaftEventKind, int>();
        for (var life = 0; life < 2500; life++)
        {
            var storage = new TestStorage(TestCluster.Configuration([1, 2, 3], [4]));
            var options = new RaftOptions
            {
                Self = new MemberId(1),
                Store = TestCluster.StoreOf(1),
                ElectionTicks = 10,
                HeartbeatTicks = 2,
            };
            var core = new RaftCore(options, storage, prng.Fork(), applied: default);
            for (var i = 0; i < 120; i++)
            {
                if (prng.Chance(0.3))
                {
                    core.Tick();
                    core.Propose(new byte[5]);
                    core.RequestRead((ulong)i);
                }
                else
                {
                    core.Step(Plausible(prng, core));
                }

                Execute(core, storage, seen);
            }
        }

        Assert.All(LiesReach, kind =>
            Assert.True(seen.GetValueOrDefault(kind) > 10, $"{kind} in {string.Join(' ', seen)}"));
    }

    [Fact]
    public void What_a_member_says_under_another_folder_is_not_heard()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(2);
        var term = leader.Core.Status.Term;
        leader.Step(new HeartbeatReply
        {
            From = new MemberId(2),
            FromStore = new StoreId(0x666),
            To = leader.Id,
            Term = new Term(99),
            ReadRound = 0,
            LastIndex = default,
        });
        Assert.Equal(term, leader.Core.Status.Term);
        Assert.Equal(RaftEventKind.MessageRefused, leader.Events[^1].Kind);
    }

    private static Dictionary<string, Func<Term, RaftMessage>> NonsenseMessages()
    {
        var (nobody, peer) = (default(MemberId), new MemberId(0xFF));
        RaftMessage Beat(Term term) =>
            new Heartbeat { From = peer, To = nobody, Term = term, Commit = default, ReadRound = 0 };
        RaftMessage Append(Term term, EntryId previous, LogIndex commit, params RaftEntry[] entries) =>
            new AppendRequest
            {
                From = peer,
                To = nobody,
                Term = term,
                Previous = previous,
                Commit = commit,
                Entries = entries
            };
        RaftMessage Piece(Term term, EntryId last, long offset, int length, int data = -1, long size = 100) =>
            new SnapshotPiece
            {
                From = peer,
                To = nobody,
                Term = term,
                Offset = offset,
                Length = length,
                Data = new byte[data < 0 ? Math.Max(0, length) : data],
                Snapshot = new SnapshotMeta
                {
                    Id = 5,
                    Last = last,
                    SizeBytes = size,
                    Checksum = 1,
                    Configuration = RaftConfiguration.Empty,
                },
            };
        RaftMessage Ack(Term term, ulong index, bool rejected = false, ulong hint = 0) => new AppendReply
        {
            From = peer,
            To = nobody,
            Term = term,
            Rejected = rejected,
            Index = new LogIndex(index),
            Hint = Id(hint, 1),
        };
        RaftMessage Vote(Term term, EntryId last) =>
            new VoteRequest { From = peer, To = nobody, Term = term, Last = last };
        var at = Id(9, 1);
        return new Dictionary<string, Func<Term, RaftMessage>>
        {
            ["from itself or nobody"] = term => Beat(term) with { From = nobody },
            ["a term near 2^62"] = _ => Beat(new Term(Absurd)),
            ["a term near 2^64"] = _ => Beat(new Term(ulong.MaxValue)),
            ["a vote at an absurd term"] = _ => Vote(new Term(ulong.MaxValue), default),
            ["a log that ends near 2^64"] = term => Vote(new Term(term.Value + 1), Id(ulong.MaxValue, 1)),
            ["a log that ends in a later term"] = term => Vote(new Term(term.Value + 1), Id(9, term.Value + 1)),
            ["an append after 2^62"] = term => Append(new Term(term.Value + 1), Id(Absurd, 1), default),
            ["a commit near 2^64"] = term => Append(new Term(term.Value + 1), default, new LogIndex(ulong.MaxValue)),
            ["a heartbeat's commit near 2^64"] = term => new Heartbeat
            {
                From = peer,
                To = nobody,
                Term = new Term(term.Value + 1),
                Commit = new LogIndex(ulong.MaxValue),
                ReadRound = 0,
            },
            ["a piece at a negative offset"] = term => Piece(new Term(term.Value + 1), at, -1, 10),
            ["a piece of negative length"] = term => Piece(new Term(term.Value + 1), at, 0, -1),
            ["a piece of another length"] = term => Piece(new Term(term.Value + 1), at, 0, 10, data: 9),
            ["a piece beyond the end"] = term => Piece(new Term(term.Value + 1), at, 95, 10),
            ["a piece of a negative snapshot"] = term => Piece(new Term(term.Value + 1), at, 0, 0, size: -1),
            ["a snapshot of nothing"] = term => Piece(new Term(term.Value + 1), default, 0, 10),
            ["a snapshot near 2^64"] = term => Piece(new Term(term.Value + 1), Id(ulong.MaxValue, 1), 0, 10),
            ["acknowledged beyond the log"] = term => Ack(term, 1000),
            ["acknowledged near 2^64"] = term => Ack(term, ulong.MaxValue),
            ["a hint near 2^64"] = term => Ack(term, 5, rejected: true, hint: ulong.MaxValue),
            ["a round that was never opened"] = term => new HeartbeatReply
            {
                From = peer,
                To = nobody,
                Term = term,
                ReadRound = 77,
                LastIndex = default,
            },
            ["installed beyond the log"] = term => new SnapshotReply
            {
                From = peer,
                To = nobody,
                Term = term,
                SnapshotId = 1,
                NextOffset = 0,
                Installed = true,
                Match = new LogIndex(1000),
            },
            ["wants a negative offset"] = term => new SnapshotReply
            {
                From = peer,
                To = nobody,
                Term = term,
                SnapshotId = 1,
                NextOffset = -1,
                Installed = false,
            },
            ["a read near 2^64"] = term => new ReadIndexReply
            {
                From = peer,
                To = nobody,
                Term = term,
                ReadId = 1,
                Index = new LogIndex(ulong.MaxValue),
            },
        };
    }

    private static EntryId Id(ulong index, ulong term) => new(new Term(term), new LogIndex(index));

    private static string Describe(TestNode node)
    {
        var status = node.Core.Status;
        return $"{status.Role} {status.Term} {status.Vote} {status.Leader} {status.Commit} {status.Last} "
            + $"{status.Configuration} "
            + string.Join(' ', status.Progress.Select(progress => progress with { IsActive = true }));
    }

    // Near enough to what the core is at, that it is looked at.
    private static RaftMessage Plausible(Prng prng, RaftCore core)
    {
        var message = RandomMessages.Next(prng);
        var from = new MemberId(prng.Chance(0.9) ? 2 + prng.NextBelow(3) : prng.NextBelow(7));
        var status = core.Status;
        var term = prng.NextInt32(20) switch
        {
            0 when prng.Chance(0.02) => message.Term,
            1 => new Term(status.Term.Value + 1),
            2 => new Term(status.Term.Value - Math.Min(1, status.Term.Value)),
            _ => status.Term,
        };
        message = message with
        {
            From = from,
            FromStore = prng.Chance(0.95) ? TestCluster.StoreOf(from.Value) : default,
            Term = term,
            To = prng.Chance(0.95) ? new MemberId(1) : new MemberId(2),
        };
        return message switch
        {
            AppendRequest append when prng.Chance(0.7) => Sensible(prng, append, status),
            VoteRequest vote when prng.Chance(0.7) => vote with { Last = status.Last },
            VoteReply vote when prng.Chance(0.9) => vote with
            {
                Granted = true,
                IsPreVote = status.Role == RaftRole.PreCandidate,
                Term = new Term(status.Term.Value + (status.Role == RaftRole.PreCandidate ? 1UL : 0)),
            },
            AppendReply reply when prng.Chance(0.5) =>
                reply with { Index = new LogIndex(prng.NextBelow(status.Last.Index.Value + 2)) },
            SnapshotPiece piece when prng.Chance(0.7) => Sensible(prng, piece, status),
            _ => message,
        };
    }

    private static AppendRequest Sensible(Prng prng, AppendRequest append, RaftStatus status)
    {
        var previous = prng.Chance(0.5) ? status.Last : prng.Chance(0.5) ? default : append.Previous;
        var data = RaftCodec.Encode(TestCluster.Configuration([1, 2], [3 + prng.NextBelow(3)]));
        return append with
        {
            Previous = previous,
            Commit = new LogIndex(prng.NextBelow(previous.Index.Value + 5)),
            Entries =
            [
                .. append.Entries.Select((entry, i) => entry with
                {
                    Id = new EntryId(
                        prng.Chance(0.8) ? append.Term : entry.Term,
                        prng.Chance(0.95) ? new LogIndex(previous.Index.Value + (ulong)i + 1) : entry.Index),
                    Data = entry.Kind == EntryKind.Configuration && prng.Chance(0.7) ? data : entry.Data,
                }),
            ],
        };
    }

    private static SnapshotPiece Sensible(Prng prng, SnapshotPiece piece, RaftStatus status)
    {
        var machine = new byte[TestMachine.SnapshotBytes];
        var last = Id(status.Last.Index.Value + prng.NextBelow(3), prng.NextBelow((piece.Term.Value % 1000) + 2));
        return piece with
        {
            Offset = 0,
            Length = machine.Length,
            Data = machine,
            Snapshot = piece.Snapshot with
            {
                Last = last,
                SizeBytes = machine.Length,
                Checksum = prng.Chance(0.8) ? Crc32C.Compute(machine) : 0,
            },
        };
    }

    private static void Execute(RaftCore core, TestStorage storage, SortedDictionary<RaftEventKind, int> seen)
    {
        while (core.HasReady)
        {
            var ready = core.TakeReady();
            foreach (var happened in ready.Events)
            {
                seen[happened.Kind] = seen.GetValueOrDefault(happened.Kind) + 1;
            }

            storage.Execute(ready);
            if (ready.PassesDisk)
            {
                core.Persisted(ready.Sequence);
            }

            if (ready.Apply.Count > 0)
            {
                core.Applied(ready.Apply[^1].Index);
            }
        }
    }
}
