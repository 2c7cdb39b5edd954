namespace DistFS.Simulation;

/// <summary>What can go wrong, or is done on purpose while things go wrong. New ones go at the end: each draws from a
/// generator of its own, made in this order, so that a new one does not change what the others do.</summary>
public enum FaultKind
{
    /// <summary>A node loses power.</summary>
    PowerFailure,

    /// <summary>A node loses power half-way through the n-th disk operation from now.</summary>
    PowerFailureInDiskOperation,

    /// <summary>A node loses power between two effects: a send, a write, an apply.</summary>
    PowerFailureBetweenEffects,

    /// <summary>A process is killed; its machine goes on.</summary>
    ProcessKilled,

    /// <summary>All nodes lose power at once.</summary>
    PowerFailureOfAll,

    /// <summary>A process does nothing for a while.</summary>
    Pause,

    /// <summary>A clock runs fast or slow.</summary>
    ClockDrift,

    /// <summary>A clock jumps ahead.</summary>
    ClockJump,

    /// <summary>The members are split in two.</summary>
    Split,

    /// <summary>One member is cut off.</summary>
    Isolation,

    /// <summary>One direction between two members is cut.</summary>
    OneWayCut,

    /// <summary>Two halves that both see one member in the middle.</summary>
    Bridge,

    /// <summary>Each member sees only its neighbours.</summary>
    Chain,

    /// <summary>A link fails and works by turns.</summary>
    Flapping,

    /// <summary>What is sent over a link arrives much later.</summary>
    Clog,

    /// <summary>Messages are lost.</summary>
    MessageLoss,

    /// <summary>Messages arrive twice.</summary>
    MessageDuplicates,

    /// <summary>Messages arrive long after those behind them.</summary>
    MessageDelay,

    /// <summary>Bytes of messages are flipped.</summary>
    MessageCorruption,

    /// <summary>A disk is up to 1,000 times slower.</summary>
    SlowDisk,

    /// <summary>A disk does not answer for a while.</summary>
    HangingDisk,

    /// <summary>A disk is full for a while.</summary>
    FullDisk,

    /// <summary>Syncs fail.</summary>
    SyncError,

    /// <summary>Writes fail half-way.</summary>
    ShortWrite,

    /// <summary>Reads fail.</summary>
    ReadError,

    /// <summary>A bit flips at rest.</summary>
    BitRot,

    /// <summary>A disk is lost with all that was on it; the member is replaced by another.</summary>
    DiskLost,

    /// <summary>The members change.</summary>
    MembershipChange,

    /// <summary>Leadership is moved.</summary>
    LeadershipTransfer,
}
