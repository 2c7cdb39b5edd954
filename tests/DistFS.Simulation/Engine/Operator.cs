using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// Changes the members while faults go on: replaces who is lost, and if the seed wants it, adds, promotes, removes and
/// replaces for no reason, and moves leadership.
/// </summary>
public sealed class Operator(World world, Prng prng)
{
    private const long LookMicroseconds = 400_000;
    private const int NodesMax = 14;
    private const int VotersMax = 7;

    /// <summary>Changes that a leader accepted.</summary>
    public int Changes { get; private set; }

    /// <summary>Begins to look after the cluster.</summary>
    public void Start() => world.Queue.After(LookMicroseconds, Look);

    /// <summary>Changes the members at random.</summary>
    public bool Change(SimulatedNode leader)
    {
        var now = leader.Status!.Configuration;
        var learners = now.Members.Where(member => member.Role == MemberRole.Learner).ToList();
        var voters = now.Members.Where(member => member.Role == MemberRole.Voter).ToList();
        switch (prng.NextInt32(6))
        {
            case 0:
                return AddLearner(leader, now);
            case 1 when learners.Count > 0 && voters.Count < VotersMax:
                return Try(leader, With(now, Any(learners), MemberRole.Voter));
            case 2 when voters.Count > 1:
                return Try(leader, With(now, Any(voters), MemberRole.Learner));
            case 3 when voters.Count > 1:
                return Try(leader, Without(now, Any(voters).Id));
            case 4 when learners.Count > 0:
                return Try(leader, Without(now, Any(learners).Id));
            case 5 when learners.Count >= 2 && voters.Count >= 3:
                return ReplaceTwo(leader, now, learners, voters);
            default:
                return AddLearner(leader, now);
        }
    }

    /// <summary>Moves leadership to some voter.</summary>
    public bool Transfer(SimulatedNode leader)
    {
        var voters = leader.Status!.Configuration.Voters.ToList();
        return leader.Ask(core => core.TransferLeadership(Any(voters).Id)) == ProposeStatus.Accepted;
    }

    private void Look()
    {
        if (world.IsQuieting)
        {
            return;
        }

        world.Queue.After(LookMicroseconds, Look);
        if (world.Leader() is not { Status: { IsEstablished: true, ConfigurationCommitted: true } status } leader
            || status.Configuration.IsJoint)
        {
            return;
        }

        Retire(status.Configuration);
        var lost = status.Configuration.Members
            .FirstOrDefault(member => world.Find(member.Id) is not { } node || node.Store != member.Store
                || node.State == NodeState.Lost);
        if (lost != null)
        {
            Replace(leader, status.Configuration, lost);
        }
    }

    /// <summary>Who is no member any more is switched off, sooner or later.</summary>
    private void Retire(RaftConfiguration configuration)
    {
        if (!configuration.Equals(world.Planner.Committed))
        {
            return;
        }

        foreach (var node in world.Nodes)
        {
            if (node.State != NodeState.Lost && configuration.Find(node.Id) == null && prng.Chance(0.2))
            {
                node.Retire();
            }
        }
    }

    private void Replace(SimulatedNode leader, RaftConfiguration now, RaftMember lost)
    {
        if (lost.Role == MemberRole.Learner)
        {
            Try(leader, Without(now, lost.Id));
            return;
        }

        var spare = now.Members.FirstOrDefault(
            member => member.Role == MemberRole.Learner && world.Planner.IsIntact(member.Id));
        if (spare == null)
        {
            AddLearner(leader, now);
            return;
        }

        Try(leader, Without(With(now, spare, MemberRole.Voter), lost.Id));
    }

    private bool ReplaceTwo(
        SimulatedNode leader, RaftConfiguration now, List<RaftMember> learners, List<RaftMember> voters)
    {
        for (var i = 0; i < 2; i++)
        {
            var learner = Any(learners);
            var voter = Any(voters);
            learners.Remove(learner);
            voters.Remove(voter);
            now = Without(With(now, learner, MemberRole.Voter), voter.Id);
        }

        return Try(leader, now);
    }

    private bool AddLearner(SimulatedNode leader, RaftConfiguration now)
    {
        if (world.Nodes.Count >= NodesMax)
        {
            return false;
        }

        var member = world.Nodes
            .Where(node => node.State == NodeState.Running && now.Find(node.Id) == null && node.Shadow.Life == 1
                && !node.Shadow.WasDamaged && node.Shadow.Log.Last.Index.Value == 0)
            .Select(node => new RaftMember(node.Id, node.Store, $"{node.Id}", MemberRole.Learner))
            .FirstOrDefault() ?? world.NewMember();
        return Try(leader, new RaftConfiguration([.. now.Members, member]));
    }

    private bool Try(SimulatedNode leader, RaftConfiguration target)
    {
        // Not into a corner: the new members alone must be able to go on.
        if (!target.Voters.Any() || !target.HasQuorum(world.Planner.IsIntact))
        {
            return false;
        }

        var result = leader.Ask(core => core.ChangeMembership(target));
        if (result?.Status != ProposeStatus.Accepted)
        {
            return false;
        }

        world.Trace.Line($"operator: {leader} takes {target}");
        Changes++;
        return true;
    }

    private RaftMember Any(List<RaftMember> members) => members[prng.NextInt32(members.Count)];

    private static RaftConfiguration Without(RaftConfiguration now, MemberId id) =>
        new(now.Members.Where(member => member.Id != id));

    private static RaftConfiguration With(RaftConfiguration now, RaftMember member, MemberRole role) =>
        new(now.Members.Select(other => other.Id == member.Id ? other with { Role = role } : other));
}
