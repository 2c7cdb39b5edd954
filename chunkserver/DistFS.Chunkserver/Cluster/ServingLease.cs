using DistFS.Primitives;
using DistFS.Rpc.Cluster;

namespace DistFS.Chunkserver.Cluster;

/// <summary>
/// Whether this server may serve: for so long after it <em>sent</em> the last heartbeat that was answered, by its own
/// monotonic clock (docs/design/chunkservers.md). Whoever was cut off stops by itself, before the leader gives its
/// place to others. Asked for each call, without a lock.
/// </summary>
/// <remarks>
/// A call that was let in and takes long asks again before it answers: a process that was paused in between must not
/// answer with what has been replaced since.
/// </remarks>
/// <param name="clock">Monotonic.</param>
internal sealed class ServingLease(TimeProvider clock)
{
    // In milliseconds of the clock; 0: it does not serve. Written by the agent only.
    private long _untilMs;

    /// <summary>Whether it may serve now.</summary>
    public bool IsServing => LeaderChannel.NowMs(clock) < Volatile.Read(ref _untilMs);

    /// <summary>It may serve until then; 0 ends it at once.</summary>
    public void Set(long untilMs) => Volatile.Write(ref _untilMs, untilMs);

    /// <summary>Refuses what comes while it may not serve.</summary>
    /// <exception cref="DistFsException"><see cref="ErrorCatalog.ChunkServerNotServing"/>.</exception>
    public void ThrowIfNotServing()
    {
        if (!IsServing)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkServerNotServing,
                "This chunk server does not hear from the leading metaserver, or is not through with telling what it "
                + "has.");
        }
    }
}
