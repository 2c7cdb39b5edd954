using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Chunkserver.Hosting;

/// <summary>Requests under way, of clients and of other servers: what heartbeats call the load.</summary>
internal sealed class CallCount : IServerInterceptor
{
    private int _underWay;

    /// <summary>How many.</summary>
    public int Now => Volatile.Read(ref _underWay);

    /// <inheritdoc/>
    public void OnCall(ServerCall call) => Interlocked.Increment(ref _underWay);

    /// <inheritdoc/>
    public void OnCompleted(ServerCall call, FsStatus status) => Interlocked.Decrement(ref _underWay);
}
