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

    /// <summary>Whether there is such a goal.</summary>
    public bool IsValid => Replicas is >= 1 and <= ReplicasMax && Racks is RackRule.None or RackRule.Spread;
}
