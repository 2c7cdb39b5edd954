namespace DistFS.Raft.Tests.Harness;

/// <summary>Messages of every kind with anything in them.</summary>
internal static class RandomMessages
{
    public static RaftMessage Next(Prng prng)
    {
        var (from, to, term) = (new MemberId(Number(prng)), new MemberId(Number(prng)), new Term(Number(prng)));
        RaftMessage message = prng.NextInt32(11) switch
        {
            0 => new VoteRequest
            {
                From = from,
                To = to,
                Term = term,
                IsPreVote = prng.Chance(0.5),
                IsTransfer = prng.Chance(0.5),
                Last = Id(prng),
            },
            1 => new VoteReply
            {
                From = from,
                To = to,
                Term = term,
                IsPreVote = prng.Chance(0.5),
                Granted = prng.Chance(0.5),
            },
            2 => Append(prng, from, to, term),
            3 => new AppendReply
            {
                From = from,
                To = to,
                Term = term,
                Rejected = prng.Chance(0.5),
                Index = Index(prng),
                Hint = Id(prng),
            },
            4 => new Heartbeat { From = from, To = to, Term = term, Commit = Index(prng), ReadRound = Number(prng) },
            5 => new HeartbeatReply
            {
                From = from,
                To = to,
                Term = term,
                ReadRound = Number(prng),
                LastIndex = Index(prng),
                IsWhole = prng.Chance(0.5),
            },
            6 => Piece(prng, from, to, term),
            7 => new SnapshotReply
            {
                From = from,
                To = to,
                Term = term,
                SnapshotId = Number(prng),
                NextOffset = (long)Number(prng),
                Installed = prng.Chance(0.5),
                Match = Index(prng),
            },
            8 => new ReadIndexRequest { From = from, To = to, Term = term, ReadId = Number(prng) },
            9 => new ReadIndexReply { From = from, To = to, Term = term, ReadId = Number(prng), Index = Index(prng) },
            _ => new TimeoutNow { From = from, To = to, Term = term },
        };
        return message with { FromStore = new StoreId(Number(prng)) };
    }

    /// <summary>Small, large, and next to where sums overflow.</summary>
    public static ulong Number(Prng prng) => prng.NextInt32(8) switch
    {
        0 => prng.NextUInt64(),
        1 => (1UL << 62) - 2 + prng.NextBelow(4),
        2 => ulong.MaxValue - prng.NextBelow(3),
        3 => (1UL << 63) - 2 + prng.NextBelow(4),
        _ => prng.NextBelow(12),
    };

    private static LogIndex Index(Prng prng) => new(Number(prng));

    private static EntryId Id(Prng prng) => new(new Term(Number(prng)), Index(prng));

    private static AppendRequest Append(Prng prng, MemberId from, MemberId to, Term term)
    {
        var previous = Id(prng);
        var entries = new List<RaftEntry>();
        for (var (i, at) = (prng.NextInt32(4), previous.Index.Next); i > 0; i--, at = at.Next)
        {
            var data = new byte[prng.NextInt32(30)];
            prng.Fill(data);
            entries.Add(new RaftEntry
            {
                Id = new EntryId(new Term(Number(prng)), at),
                Kind = (EntryKind)prng.NextInt32(3),
                Data = data,
            });
        }

        return new AppendRequest
        {
            From = from,
            To = to,
            Term = term,
            Previous = previous,
            Entries = entries.ToArray(),
            Commit = Index(prng),
        };
    }

    private static SnapshotPiece Piece(Prng prng, MemberId from, MemberId to, Term term)
    {
        var data = new byte[prng.NextInt32(30)];
        prng.Fill(data);
        return new SnapshotPiece
        {
            From = from,
            To = to,
            Term = term,
            Offset = (long)Number(prng),
            Data = data,
            Length = prng.Chance(0.7) ? data.Length : prng.NextInt32(100),
            Snapshot = new SnapshotMeta
            {
                Id = prng.NextBelow(4),
                Last = Id(prng),
                SizeBytes = (long)Number(prng),
                Checksum = (uint)prng.NextUInt64(),
                Configuration = TestCluster.Configuration([1, 2, 3], prng.Chance(0.5) ? [4UL] : []),
            },
        };
    }
}
