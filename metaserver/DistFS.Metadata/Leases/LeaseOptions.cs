namespace DistFS.Metadata.Leases;

/// <summary>Limits of a <see cref="LeaseTable"/>.</summary>
public sealed record LeaseOptions
{
    /// <summary>More than this between two looks at the clock is our own pause, and nobody's silence.</summary>
    public const long PauseMs = 500;

    /// <summary>Most leases of a session. From 7/8 on its least recently used ones are recalled.</summary>
    public int SessionLeasesMax { get; init; } = 65_536;

    /// <summary>Most leases of all sessions together; likewise.</summary>
    public int LeasesMax { get; init; } = 1_000_000;

    /// <summary>Most tickets that wait.</summary>
    public int WaitingMax { get; init; } = 65_536;

    /// <summary>A ticket waits so long at most, whatever it asks for.</summary>
    public long WaitMsMax { get; init; } = 30_000;

    /// <summary>
    /// A holder that is heard of answers a recall within this time, or loses its session. It begins when the holder was
    /// told of the lease, and anew when it is asked for more.
    /// </summary>
    public long RecallMsMax { get; init; } = 20_000;
}
