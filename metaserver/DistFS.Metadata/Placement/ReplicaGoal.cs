using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Placement;

/// <summary>Whether the replicas of a chunk go to different racks.</summary>
public enum RackRule : byte
{
    /// <summary>Any servers will do.</summary>
    None = 0,

    /// <summary>As many racks as there are, and in each as few replicas as that allows.</summary>
    Spread = 1,
}

/// <summary>What a chunk should have.</summary>
/// <param name="Replicas">How many, from 1 to <see cref="ReplicasMax"/>.</param>
/// <param name="Racks">Where.</param>
public readonly record struct ReplicaGoal(int Replicas, RackRule Racks)
{
    /// <summary>Most replicas of a chunk.</summary>
    public const int ReplicasMax = 5;

    /// <summary>What a cluster has where nobody said anything else.</summary>
    public static readonly ReplicaGoal Default = new(3, RackRule.Spread);

    /// <summary>The goal of what is made in an inode from now on.</summary>
    public static ReplicaGoal Of(in InodeRow inode) => inode.GoalReplicas == 0
        ? Default
        : new ReplicaGoal(inode.GoalReplicas, inode.GoalAnyRack ? RackRule.None : RackRule.Spread);

    /// <summary>Whether there is such a goal.</summary>
    public bool IsValid => Replicas is >= 1 and <= ReplicasMax && Racks is RackRule.None or RackRule.Spread;
}
