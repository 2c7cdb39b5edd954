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

    /// <summary>How many vote that stay when a member goes, and how many of them are alive.</summary>
    /// <param name="status">Of the core of the leader.</param>
    /// <param name="self">The leader.</param>
    /// <param name="rows">Who is removed, in the state of the leader; who is so votes until it is taken out.</param>
    /// <param name="id">Who goes.</param>
    public static (int Voters, int Alive) Without(
        RaftStatus status, MemberId self, IReadOnlyList<(MemberId Id, MemberRow Row)> rows, MemberId id)
    {
        var (voters, alive) = (0, 0);
        foreach (var voter in status.Configuration.Voters)
        {
            if (voter.Id != id && !IsRemoved(rows, voter.Id))
            {
                voters++;
                alive += voter.Id == self
                    || status.Progress.Any(other => other.Id == voter.Id && other.IsActive) ? 1 : 0;
            }
        }

        return (voters, alive);
    }

    /// <summary>
    /// To whom a leader that is removed hands over: the active voter that stays and has most of the log; null if there
    /// is none.
    /// </summary>
    public static MemberId? Heir(
        RaftStatus status, MemberId self, IReadOnlyList<(MemberId Id, MemberRow Row)> rows)
    {
        MemberProgress? best = null;
        foreach (var member in status.Progress)
        {
            if (member.IsActive && member.Id != self && status.Configuration.IsVoter(member.Id)
                && !IsRemoved(rows, member.Id) && !(member.Match <= best?.Match))
            {
                best = member;
            }
        }

        return best?.Id;
    }

    private static bool IsRemoved(IReadOnlyList<(MemberId Id, MemberRow Row)> rows, MemberId id) =>
        rows.Any(row => row.Id == id && row.Row.IsRemoved);

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
