using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using DistFS.Primitives;

namespace DistFS.Metaserver.Chunks;

/// <summary>How a leader deals with chunk servers.</summary>
public sealed record ChunkServerOptions
{
    /// <summary>Silence after which a server is suspect, in milliseconds.</summary>
    public long SuspectMs { get; init; } = ServerLiveness.SuspectMs;

    /// <summary>Silence after which it is dead.</summary>
    public long DeadMs { get; init; } = ServerLiveness.DeadMs;

    /// <summary>
    /// A server serves for so long after it sent the last heartbeat that was answered: less than <see cref="DeadMs"/>
    /// by an election at least (docs/design/chunkservers.md).
    /// </summary>
    public uint ServeMs { get; init; } = 7_000;

    /// <summary>
    /// How often the leader looks around. What servers report waits for that, and so do the orders that follow.
    /// </summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>A server that does not take a fence in this time is taken out of the chunk.</summary>
    public TimeSpan FenceTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>An open chunk that lacks copies and in which nothing is committed for so long is sealed.</summary>
    public long SealIdleMs { get; init; } = 60_000;

    /// <summary>What repair may cost.</summary>
    public RepairOptions Repair { get; init; } = new();

    /// <summary>How even the servers are kept.</summary>
    public BalancerOptions Balance { get; init; } = new();

    /// <summary>Says what is wrong with these.</summary>
    /// <exception cref="DistFsException">One of them is out of range.</exception>
    public void Validate()
    {
        if (SuspectMs < 1 || DeadMs <= SuspectMs || ServeMs < 1 || ServeMs >= DeadMs
            || Interval <= TimeSpan.Zero || FenceTimeout <= TimeSpan.Zero || SealIdleMs < 1)
        {
            throw new DistFsException(
                ErrorCatalog.Configuration,
                "Of chunk servers set SuspectMs from 1 to below DeadMs, ServeMs from 1 to below DeadMs, and Interval, "
                + "FenceTimeout and SealIdleMs above zero.");
        }

        try
        {
            Repair.Validate();
            Balance.Validate();
        }
        catch (ArgumentException e)
        {
            throw new DistFsException(ErrorCatalog.Configuration, e.Message, e);
        }
    }
}
