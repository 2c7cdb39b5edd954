namespace DistFS.Metadata.Placement.Repair;

/// <summary>Why a chunk needs something, the most urgent first.</summary>
public enum RepairClass
{
    /// <summary>One good copy is left of a chunk that should have more.</summary>
    LastCopy,

    /// <summary>Half of the goal is missing, or more.</summary>
    ManyMissing,

    /// <summary>Less than half of the goal is missing.</summary>
    SomeMissing,

    /// <summary>What is missing is there, and bad.</summary>
    Corrupt,

    /// <summary>The copies are there, and some of them on servers that are to be emptied.</summary>
    Draining,

    /// <summary>There are enough copies, in too few racks.</summary>
    Racks,

    /// <summary>The balancer wants a replica elsewhere.</summary>
    Moving,

    /// <summary>A replica is too many: bad, on a server that is dead or drains, or beyond the goal.</summary>
    Surplus,
}
