using System.Collections.Immutable;
using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>A member's part. In joint consensus it has one in the old and one in the new configuration.</summary>
public enum MemberRole : byte
{
    /// <summary>A voter of both configurations, or of the only one.</summary>
    Voter = 0,

    /// <summary>Not a voter: receives the log, counts in no quorum (thesis, 4.2.1).</summary>
    Learner = 1,

    /// <summary>A voter of the new configuration only.</summary>
    VoterIncoming = 2,

    /// <summary>A voter of the old configuration only; gone when the joint configuration is left.</summary>
    VoterOutgoing = 3,

    /// <summary>A voter of the old configuration and a learner of the new one.</summary>
    VoterDemoting = 4,
}

/// <summary>One member of a configuration.</summary>
/// <param name="Id">Who. Never used again for another member.</param>
/// <param name="Store">Its data folder; zero when any will do. A message from another folder is not from this member:
/// a wiped machine cannot speak for what it lost.</param>
/// <param name="Address">Where it listens; the core only carries it.</param>
/// <param name="Role">Its part.</param>
public sealed record RaftMember(MemberId Id, StoreId Store, string Address, MemberRole Role = MemberRole.Voter)
{
    /// <summary>Whether it votes in the old configuration of a joint one, or in the only one.</summary>
    public bool VotesInOld => Role is MemberRole.Voter or MemberRole.VoterOutgoing or MemberRole.VoterDemoting;

    /// <summary>Whether it votes in the new configuration of a joint one, or in the only one.</summary>
    public bool VotesInNew => Role is MemberRole.Voter or MemberRole.VoterIncoming;

    /// <inheritdoc/>
    public override string ToString() => Role == MemberRole.Voter ? $"{Id}" : $"{Id}:{Role}";
}

/// <summary>
/// Who the members are. Either simple, or joint (thesis, 4.3): then every decision needs a majority of the old voters
/// and a majority of the new ones.
/// </summary>
public sealed partial class RaftConfiguration : IEquatable<RaftConfiguration>
{
    private readonly ImmutableArray<RaftMember> _members;

    /// <summary>Makes one of members in any order.</summary>
    /// <exception cref="ArgumentException">An id is zero or appears twice, or there are too many members.</exception>
    public RaftConfiguration(IEnumerable<RaftMember> members)
    {
        _members = [.. members.OrderBy(member => member.Id.Value)];
        if (Fault(_members) is { } fault)
        {
            throw new ArgumentException(fault, nameof(members));
        }
    }

    private RaftConfiguration(ImmutableArray<RaftMember> members) => _members = members;

    /// <summary>Most members in one configuration.</summary>
    public const int MembersMax = 64;

    /// <summary>Nobody: what a store knows that waits to be added to a cluster.</summary>
    public static RaftConfiguration Empty { get; } = new(ImmutableArray<RaftMember>.Empty);

    /// <summary>All members, by id.</summary>
    public IReadOnlyList<RaftMember> Members => _members;

    /// <summary>Whether nobody is in it.</summary>
    public bool IsEmpty => _members.IsEmpty;

    /// <summary>Whether the old and the new configuration are both in force.</summary>
    public bool IsJoint => _members.Any(
        member => member.Role is MemberRole.VoterIncoming or MemberRole.VoterOutgoing or MemberRole.VoterDemoting);

    /// <summary>The member of that id, or null.</summary>
    public RaftMember? Find(MemberId id)
    {
        foreach (var member in _members)
        {
            if (member.Id == id)
            {
                return member;
            }
        }

        return null;
    }

    /// <summary>Whether that member votes, in either configuration.</summary>
    public bool IsVoter(MemberId id) => Find(id) is { } member && (member.VotesInOld || member.VotesInNew);

    /// <summary>Whether the members for whom <paramref name="agrees"/> holds can decide.</summary>
    public bool HasQuorum(Func<MemberId, bool> agrees) => Has(agrees, old: true) && Has(agrees, old: false);

    /// <summary>Whether so many voters refuse that no quorum is left.</summary>
    public bool IsLost(Func<MemberId, bool> refuses) => !HasQuorum(id => !refuses(id));

    /// <summary>The highest value that a quorum has reached, given each member's.</summary>
    public ulong QuorumValue(Func<MemberId, ulong> value) =>
        Math.Min(Middle(value, old: true), Middle(value, old: false));

    /// <summary>Each voter of the old or new configuration.</summary>
    public IEnumerable<RaftMember> Voters => _members.Where(member => member.VotesInOld || member.VotesInNew);

    /// <summary>
    /// The configuration on the way from this simple one to <paramref name="target"/>: joint if the voters change, the
    /// target itself if only learners or addresses do.
    /// </summary>
    public RaftConfiguration Towards(RaftConfiguration target)
    {
        ArgumentNullException.ThrowIfNull(target);
        Check.That(!IsJoint && !target.IsJoint);
        var joint = new List<RaftMember>();
        foreach (var next in target._members)
        {
            var now = Find(next.Id);
            joint.Add((now?.VotesInOld ?? false, next.VotesInNew) switch
            {
                (true, false) => next with { Role = MemberRole.VoterDemoting },
                (false, true) => next with { Role = MemberRole.VoterIncoming },
                _ => next,
            });
        }

        joint.AddRange(_members
            .Where(now => now.VotesInOld && target.Find(now.Id) == null)
            .Select(now => now with { Role = MemberRole.VoterOutgoing }));
        return new RaftConfiguration(joint);
    }

    /// <summary>The new configuration of a joint one.</summary>
    public RaftConfiguration LeaveJoint() => new(_members
        .Where(member => member.Role != MemberRole.VoterOutgoing)
        .Select(member => member.Role switch
        {
            MemberRole.VoterIncoming => member with { Role = MemberRole.Voter },
            MemberRole.VoterDemoting => member with { Role = MemberRole.Learner },
            _ => member,
        }));

    /// <inheritdoc/>
    public bool Equals(RaftConfiguration? other) =>
        other != null && _members.AsSpan().SequenceEqual(other._members.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RaftConfiguration);

    /// <inheritdoc/>
    public override int GetHashCode() => _members.Length == 0 ? 0 : HashCode.Combine(_members.Length, _members[0].Id);

    /// <inheritdoc/>
    public override string ToString() => $"{{{string.Join(' ', _members)}}}";

    private static string? Fault(ImmutableArray<RaftMember> members)
    {
        if (members.Length > MembersMax)
        {
            return $"A configuration has at most {MembersMax} members, not {members.Length}.";
        }

        for (var i = 0; i < members.Length; i++)
        {
            if (members[i].Id.Value == 0 || (i > 0 && members[i].Id == members[i - 1].Id))
            {
                return $"The id {members[i].Id} is zero or appears twice.";
            }
        }

        return null;
    }

    private bool Has(Func<MemberId, bool> agrees, bool old)
    {
        int voters = 0, agreeing = 0;
        foreach (var member in _members)
        {
            if (old ? member.VotesInOld : member.VotesInNew)
            {
                voters++;
                agreeing += agrees(member.Id) ? 1 : 0;
            }
        }

        // Nobody never decides: an empty configuration must not elect whoever asks.
        return voters > 0 && agreeing > voters / 2;
    }

    private ulong Middle(Func<MemberId, ulong> value, bool old)
    {
        Span<ulong> values = stackalloc ulong[MembersMax];
        var count = 0;
        foreach (var member in _members)
        {
            if (old ? member.VotesInOld : member.VotesInNew)
            {
                values[count++] = value(member.Id);
            }
        }

        values[..count].Sort();

        // Ascending: of n values, the one at (n - 1) / 2 is reached by a majority.
        return count == 0 ? 0 : values[(count - 1) / 2];
    }
}
