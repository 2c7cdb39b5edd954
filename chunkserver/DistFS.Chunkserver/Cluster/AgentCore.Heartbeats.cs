using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Cluster;

/// <content>Heartbeats, and what their replies ask for.</content>
internal sealed partial class AgentCore
{
    // After the last heartbeat of this turn that was answered; it holds once the inventory is through.
    private long _servesUntilMs;
    private uint _backWithinMs;
    private bool _hasNoReports;

    /// <summary>
    /// The server serves before this, in the milliseconds in which heartbeats were sent; 0: not at all.
    /// </summary>
    public long ServesUntilMs => Phase == AgentPhase.Through ? _servesUntilMs : 0;

    /// <summary>Whether the leader knows that this server leaves.</summary>
    public bool HasLeft { get; private set; }

    /// <summary>The next heartbeat; null while the leader does not know this server.</summary>
    public Heartbeat? NextHeartbeat(in ServerFacts facts)
    {
        if (Phase is AgentPhase.Registering or AgentPhase.Over)
        {
            return null;
        }

        var request = new HeartbeatRequest
        {
            Server = _server.Value,
            Incarnation = _identity.Run,
            CapacityBytes = facts.CapacityBytes,
            UsedBytes = facts.UsedBytes,
            IsFull = facts.IsFull,
            Load = facts.Load,
            LatencyPercent = facts.LatencyPercent,
            DirtyBlocks = facts.DirtyBlocks,
            DamagedBlocks = facts.DamagedBlocks,
            LostCopies = facts.LostCopies,
            BackWithinMs = _backWithinMs,
            Position = _position,
        };
        if (!_hasNoReports)
        {
            request.Results.Add(_copies.Turn(PageMax));

            // Before there is a position nothing can be said to be lost still.
            request.Lost.Add(Phase == AgentPhase.Positioning ? [] : _losses.Turn(PageMax));
        }

        _hasNoReports = false;
        return new Heartbeat(request, _turn, Phase == AgentPhase.Through);
    }

    /// <summary>A heartbeat was answered.</summary>
    /// <param name="sent">The heartbeat.</param>
    /// <param name="reply">The answer.</param>
    /// <param name="sentMs">Before that heartbeat was sent, by the monotonic clock.</param>
    public AgentOrders HeartbeatAnswered(Heartbeat sent, HeartbeatReply reply, long sentMs)
    {
        if (sent.Turn != _turn || !TryTake(reply.Answer))
        {
            return AgentOrders.None;
        }

        if (reply.IsUnknown)
        {
            HasLeft |= Phase == AgentPhase.Leaving;
            RegisterAgain();
            return AgentOrders.None;
        }

        _position = reply.Position;
        _servesUntilMs = reply.ServeMs == 0 ? 0 : sentMs + reply.ServeMs;
        HasLeft |= sent.Request.BackWithinMs > 0;
        if (Phase == AgentPhase.Positioning)
        {
            (Phase, _next) = (
                Teeth.Has(PlantedBug.RevivedWithoutInventory) ? AgentPhase.Through : AgentPhase.Telling, 0);
        }
        else if (Phase == AgentPhase.Through && reply.WantsInventory && sent.WasThrough
            && !Teeth.Has(PlantedBug.RevivedWithoutInventory))
        {
            // Asked for by a reply to what was sent while the inventory was not through, it has come meanwhile.
            StartOver(AgentPhase.Telling);
        }

        return Phase == AgentPhase.Leaving ? AgentOrders.None : Take(reply);
    }

    /// <summary>A heartbeat was not answered.</summary>
    public void HeartbeatFailed(ErrorCode code)
    {
        // The leader has no room for reports. Without them it answers, so that the server goes on serving.
        _hasNoReports = code == ErrorCatalog.Overloaded;
    }

    /// <summary>
    /// From here on it serves nobody, and says that it will be back within so long, 1 to 3,600,000 ms.
    /// </summary>
    public void Leave(uint backWithinMs)
    {
        Check.That(backWithinMs is > 0 and <= 3_600_000);
        if (Phase is AgentPhase.Registering)
        {
            // Nobody expects it.
            HasLeft = true;
        }

        if (Phase != AgentPhase.Over)
        {
            StartOver(AgentPhase.Leaving);
            _backWithinMs = backWithinMs;
        }
    }

    private AgentOrders Take(HeartbeatReply reply)
    {
        var begin = new List<CopyOrder>();
        var cancel = new List<CopyId>();
        if (reply.KnowsCopies)
        {
            _copies.Take(reply.Copies, begin, cancel);
            foreach (var order in begin)
            {
                _losses.Remove(order.Chunk);
            }
        }

        foreach (var order in reply.Deletes)
        {
            Delete(order, cancel);
        }

        return new AgentOrders(
            begin, cancel, reply.CopyBytesPerSecond, reply.KnowsCopies ? _copies.Listed : null);
    }
}
