using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation.Tests.Invariants;

/// <summary>Members, entries and logs for feeding invariants by hand.</summary>
internal static class Shadows
{
    public static MemberShadow Member(ulong id, params ReadOnlySpan<ulong> terms)
    {
        var member = new MemberShadow(new MemberId(id), new StoreId(id));
        Grow(member, terms);
        return member;
    }

    /// <summary>Adds durable entries of these terms.</summary>
    public static void Grow(MemberShadow member, params ReadOnlySpan<ulong> terms)
    {
        foreach (var term in terms)
        {
            var entry = Entry(term, member.Log.Last.Index.Value + 1);
            var ready = new RaftReady { Sequence = 1, Append = [entry], HardState = Hard(term) };
            member.Log.Append(entry);
            member.HandedOut(ready);
            member.Persisted(ready, installed: false);
        }
    }

    public static HardState Hard(ulong term, ulong vote = 0) => new(new Term(term), new MemberId(vote), default);

    public static RaftEntry Entry(ulong term, ulong index, byte content = 0, EntryKind kind = EntryKind.Command) =>
        new()
        {
            Id = Id(term, index),
            Kind = kind,
            Data = new[] { content },
        };

    public static EntryId Id(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    public static RaftConfiguration Voters(params ReadOnlySpan<ulong> ids)
    {
        var members = new List<RaftMember>();
        foreach (var id in ids)
        {
            members.Add(new RaftMember(new MemberId(id), new StoreId(id), ""));
        }

        return new RaftConfiguration(members);
    }

    public static RaftStatus Status(
        ulong term,
        RaftRole role = RaftRole.Follower,
        ulong commit = 0,
        ulong vote = 0,
        ulong applied = 0,
        RaftConfiguration? configuration = null,
        long uncommitted = 0) => new()
        {
            Role = role,
            Term = new Term(term),
            Vote = new MemberId(vote),
            Leader = default,
            Commit = new LogIndex(commit),
            Applied = new LogIndex(applied),
            Last = default,
            Stable = default,
            Configuration = configuration ?? Voters(1, 2, 3),
            ConfigurationCommitted = true,
            IsWhole = true,
            IsEstablished = false,
            TransferTarget = default,
            SnapshotsInTransfer = false,
            UncommittedBytes = uncommitted,
            Progress = [],
        };

    public static void Commit(Oracle oracle, params ReadOnlySpan<ulong> terms)
    {
        foreach (var term in terms)
        {
            var entry = Entry(term, oracle.Commit.Value + 1);
            oracle.Add(entry.Id, ShadowLog.HashOf(entry), new Term(term));
        }
    }

    public static void Fails(Action violation) => Assert.Throws<InvariantException>(violation);
}
