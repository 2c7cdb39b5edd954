using DistFS.Metadata.Members;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// The next step from the configuration that is in force to the one that the state machine says is to be: who is
/// admitted becomes a learner, a learner that has caught up a voter, who is removed nothing.
/// </summary>
internal static class MembershipPlan
{
    /// <summary>The configuration to change to; null if there is nothing to do now.</summary>
    /// <param name="status">Of the core of the leader.</param>
    /// <param name="self">The leader. It is not removed by itself: it hands over first.</param>
    /// <param name="rows">Who is admitted and who is removed, in the state of the leader.</param>
    /// <param name="lagMax">Entries that a learner may lack to be promoted.</param>
    public static RaftConfiguration? Next(
        RaftStatus status, MemberId self, IReadOnlyList<(MemberId Id, MemberRow Row)> rows, ulong lagMax)
    {
        var now = status.Configuration;
        if (!status.IsEstablished || !status.ConfigurationCommitted || now.IsJoint || status.TransferTarget.Value != 0)
        {
            return null;
        }

        var next = new List<RaftMember>();
        foreach (var member in now.Members)
        {
            var row = rows.FirstOrDefault(row => row.Id == member.Id).Row;
            if (row is { IsRemoved: true } && member.Id != self)
            {
                continue;
            }

            var isReady = member.Role == MemberRole.Learner && row != null && HasCaughtUp(status, member.Id, lagMax);
            next.Add(isReady ? member with { Role = MemberRole.Voter } : member);
        }

        foreach (var (id, row) in rows)
        {
            if (!row.IsRemoved && now.Find(id) == null)
            {
                next.Add(new RaftMember(id, row.Store, row.Address, MemberRole.Learner));
            }
        }

        var target = new RaftConfiguration(next);
        return target.Equals(now) || !target.Voters.Any() ? null : target;
    }

    private static bool HasCaughtUp(RaftStatus status, MemberId id, ulong lagMax)
    {
        foreach (var member in status.Progress)
        {
            if (member.Id == id)
            {
                return member.IsActive && member.State == ProgressState.Replicate
                    && member.Match.Value + lagMax >= status.Commit.Value;
            }
        }

        return false;
    }
}
