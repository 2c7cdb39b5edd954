using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// A configuration and the one that follows it in a log never have quorums without a common member (thesis, 4.1), so no
/// two leaders can be elected apart.
/// </summary>
public sealed class ConfigurationQuorums : Invariant
{
    private readonly HashSet<(string, string)> _checked = [];

    /// <inheritdoc/>
    public override string Name => "consecutive configurations share a quorum";

    /// <inheritdoc/>
    public override void OnStatus(MemberShadow member, RaftStatus before, RaftStatus now)
    {
        // A member that came by several at once, or by a snapshot, saw them in the logs of others.
        if (now.Role != RaftRole.Leader || now.Term != before.Term || before.Configuration.IsEmpty
            || ReferenceEquals(before.Configuration, now.Configuration)
            || before.Configuration.Equals(now.Configuration)
            || !_checked.Add((before.Configuration.ToString(), now.Configuration.ToString())))
        {
            return;
        }

        Examine(before.Configuration, now.Configuration);
    }

    /// <summary>Tries every way to split the members in two.</summary>
    public void Examine(RaftConfiguration before, RaftConfiguration now)
    {
        var all = before.Members.Concat(now.Members).Select(member => member.Id).Distinct().ToArray();
        for (var split = 0; split < 1 << all.Length; split++)
        {
            bool IsLeft(MemberId id) => (split >> Array.IndexOf(all, id) & 1) == 1;
            Must(
                !(before.HasQuorum(IsLeft) && now.HasQuorum(id => !IsLeft(id))),
                $"{before} and {now} have quorums without a common member");
        }
    }
}
