using DistFS.Primitives;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>What is taken away, and only when what stays is enough.</summary>
public sealed partial class RepairPlanner
{
    private void Remove()
    {
        var left = Math.Min(_queue.QueuedIn(RepairClass.Surplus), _options.RemovalsPerTickMax);
        for (; left > 0 && _queue.Dequeue(RepairClass.Surplus) is { } entry; left--)
        {
            var chunk = entry.Chunk;
            var health = new ChunkHealth(chunk, _ring, entry);
            var need = health.ClassFor(chunk, entry);
            if (need is { } and not RepairClass.Surplus || (need == null && entry.Removing.Value == 0))
            {
                Review(entry);
                continue;
            }

            // One at a time, and told again until the record shows it: two that are told for the same surplus could
            // both be done.
            var server = entry.Removing.Value == 0 ? FindSurplus(entry, health)
                : health.Staying >= chunk.Goal.Replicas ? entry.Removing
                : default;
            if (server.Value == 0)
            {
                // What stays is not enough yet: a server is silent or away.
                _queue.Park(entry, _nowMs + _options.RetryMs);
                continue;
            }

            (entry.Removing, entry.RemovalToldMs) = (server, _nowMs);
            _pending.Add(new RemoveReplica(chunk.Id, chunk.Version, server));
            _queue.Park(entry, _nowMs + _options.RemovalRepeatMs);
        }
    }

    /// <summary>
    /// The replica to remove: one that is worth nothing, or else, if there are more than the goal, one whose rack has
    /// others, of the fullest server. Zero if none may go.
    /// </summary>
    private ServerId FindSurplus(RepairEntry entry, in ChunkHealth health)
    {
        var chunk = entry.Chunk;
        var goal = chunk.Goal.Replicas;
        if (health.Staying < goal)
        {
            return default;
        }

        foreach (var replica in chunk.Replicas)
        {
            var state = _ring.StateOf(replica.Server);
            if (state is ServerState.Dead or ServerState.Draining
                || (replica.State == ReplicaState.Bad && state.Serves()))
            {
                return replica.Server;
            }
        }

        if (health.Staying == goal)
        {
            return default;
        }

        var (best, bestRank) = (-1, default((bool IsMoved, int InRack, UInt128 Fullness, int Index)));
        for (var i = 0; i < chunk.Replicas.Length; i++)
        {
            var server = _ring.IndexOf(chunk.Replicas[i].Server);
            if (server < 0 || !_ring.Servers[server].State.Stays())
            {
                continue;
            }

            var (inRack, racks) = CountRacks(chunk, server);
            if (chunk.Goal.Racks == RackRule.Spread && inRack == 1 && racks <= goal)
            {
                continue;
            }

            var fullness = ((UInt128)(ulong)_loads.Used(server) << 64)
                / (ulong)Math.Max(1, _ring.Servers[server].CapacityBytes);
            var rank = (chunk.Replicas[i].Server == entry.Moved,
                chunk.Goal.Racks == RackRule.Spread ? inRack : 0, fullness, server);
            if (best < 0 || rank.CompareTo(bestRank) > 0)
            {
                (best, bestRank) = (server, rank);
            }
        }

        return best < 0 ? default : _ring.Servers[best].Id;
    }

    /// <summary>Replicas that stay: in the rack of a server, and in how many racks.</summary>
    private (int InRack, int Racks) CountRacks(in ChunkInfo chunk, int server)
    {
        Span<int> racks = stackalloc int[ChunkInfo.ReplicasMax];
        var (inRack, distinct) = (0, 0);
        foreach (var replica in chunk.Replicas)
        {
            if (replica.State != ReplicaState.Good || _ring.IndexOf(replica.Server) is not (>= 0 and var other)
                || !_ring.Servers[other].State.Stays())
            {
                continue;
            }

            var rack = _ring.RackOf(other);
            inRack += rack == _ring.RackOf(server) ? 1 : 0;
            if (!racks[..distinct].Contains(rack))
            {
                racks[distinct++] = rack;
            }
        }

        return (inRack, distinct);
    }
}
