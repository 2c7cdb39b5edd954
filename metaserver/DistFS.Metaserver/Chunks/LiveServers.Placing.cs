using DistFS.Metadata.Placement;
using DistFS.Primitives;

namespace DistFS.Metaserver.Chunks;

/// <content>Choosing servers of new chunks.</content>
internal sealed partial class LiveServers
{
    /// <summary>
    /// Chooses the servers of a new chunk and counts what it may come to; how many there are, at least
    /// <paramref name="next"/> having been the id of the next chunk when somebody looked.
    /// </summary>
    public int Place(ulong next, ReplicaGoal goal, long sizeBytes, Span<ServerId> servers)
    {
        lock (_gate)
        {
            if (_loads == null)
            {
                return 0;
            }

            // The id that it will have, if nothing comes in between: so that it lies where the ring wants it.
            _nextChunk = Math.Max(_nextChunk, next);
            var request = new PlacementRequest(new ChunkId(_nextChunk++), sizeBytes, goal);
            Span<ServerId> doubted = stackalloc ServerId[ReplicaGoal.ReplicasMax];
            doubted = doubted[..Doubted(doubted)];
            var count = Placer.Place(_loads, request, servers, doubted).Count;
            if (count < goal.Replicas && !doubted.IsEmpty)
            {
                // Too few without them: they may be up after all.
                count = Placer.Place(_loads, request, servers).Count;
            }

            foreach (var server in servers[..count])
            {
                _loads.Add(server, sizeBytes);
            }

            return count;
        }
    }

    private int Doubted(Span<ServerId> doubted)
    {
        var count = 0;
        foreach (var server in _servers.Values)
        {
            if (server.IsDoubted && count < doubted.Length)
            {
                doubted[count++] = server.Id;
            }
        }

        return count;
    }
}
