namespace DistFS.Rpc.Cluster;

/// <summary>Of a <see cref="LeaderChannel"/>.</summary>
public sealed record LeaderChannelOptions
{
    /// <summary>What the caller says it is, for the metaservers' logs.</summary>
    public string Agent { get; init; } = "dfs";

    /// <summary>
    /// When all were asked and nobody leads: from this pause on, each twice the one before. Default 50 ms.
    /// </summary>
    public TimeSpan PauseMin { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest pause. Default 1 s.</summary>
    public TimeSpan PauseMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Whether a leader that has too much to do is asked again, after a pause; else that is an answer. Default false.
    /// </summary>
    public bool AsksBusyAgain { get; init; }
}
