using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <content>When servers are to be heard of again: sooner, when there will be something to order.</content>
internal sealed partial class LiveServers
{
    /// <summary>At least so long from one heartbeat of a server to the next.</summary>
    private const int AgainMsMin = 50;

    /// <summary>A server that is suspect is dead in a moment, and what it had is copied: so long after that.</summary>
    private const long OrdersMs = 2_000;

    /// <summary>Heartbeats of all servers together that are asked for in a second, at most.</summary>
    private const int BeatsPerSecondMax = 10_000;

    private long _ordersUntilMs;

    private void ExpectOrders(long nowMs) => _ordersUntilMs = nowMs + OrdersMs;

    /// <summary>
    /// Under the gate. Where copies have ended others come in their place, as soon as that is decided; else servers
    /// would wait for orders for a part of the time in which they could copy. 0: as usual.
    /// </summary>
    private uint AgainMs(HeartbeatRequest request, long nowMs) =>
        request.Results.Count == 0 && nowMs >= _ordersUntilMs
            ? 0
            : (uint)Math.Max(AgainMsMin, _servers.Count * 1_000L / BeatsPerSecondMax);
}
