namespace DistFS.Metaserver.Consensus;

/// <summary>What the core's thread is given to do.</summary>
internal enum CoreInputKind : byte
{
    /// <summary>A list of messages; the number is their bytes.</summary>
    Messages,

    /// <summary>A command; subject is the pending call, the number its lease.</summary>
    Propose,

    /// <summary>A change of the members; the same, and the target beside it.</summary>
    ChangeMembership,

    /// <summary>A transfer of leadership; the same, and the target beside it.</summary>
    Transfer,

    /// <summary>A read; subject is the pending call, the number its lease.</summary>
    Read,

    /// <summary>A look at the core; subject is where it goes.</summary>
    Status,

    /// <summary>The disk has everything up to the sequence in the number.</summary>
    Persisted,

    /// <summary>The state machine is at the index in the number.</summary>
    Applied,

    /// <summary>Messages to the member in the number were lost.</summary>
    Unreachable,

    /// <summary>The process of the member in the number is gone.</summary>
    Gone,

    /// <summary>It is time for a snapshot.</summary>
    SnapshotDue,

    /// <summary>A snapshot was made; subject is what it is, or null if it came to nothing.</summary>
    SnapshotMade,
}

/// <summary>One thing for the core's thread to do.</summary>
internal readonly record struct CoreInput(
    CoreInputKind Kind,
    object? Subject,
    ReadOnlyMemory<byte> Bytes,
    ulong Number,
    object? Second = null,
    ulong Term = 0);
