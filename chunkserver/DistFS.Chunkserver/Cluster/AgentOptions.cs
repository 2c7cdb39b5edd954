namespace DistFS.Chunkserver.Cluster;

/// <summary>How often a chunk server says something to the leader, and how long it waits.</summary>
public sealed record AgentOptions
{
    /// <summary>From one heartbeat to the next, unless the leader wants it sooner. Default 1 s.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A metaserver that does not answer a heartbeat in this time is not waited for. Default 1 s.</summary>
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Any other question to one metaserver. Default 5 s: it may take a round of its log.</summary>
    public TimeSpan AskTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>All attempts of a question together; then it is made anew, of what is so by then. Default 10 s.
    /// </summary>
    public TimeSpan AskLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>It is said on a clean stop that the server will be back within this. Default 60 s.</summary>
    public TimeSpan BackWithin { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For so long a clean stop tries to tell that. Default 2 s.</summary>
    public TimeSpan LeaveLimit { get; init; } = TimeSpan.FromSeconds(2);
}
