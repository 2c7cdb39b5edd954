using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Chunks;

/// <summary>
/// Where the leader wants the new chunks of an entry, taken in order. The leader chose before it proposed, so that
/// every member has the same; a choice that does not fit the servers of the state any more is refused by all of them.
/// </summary>
/// <param name="choices">One for each chunk that the entry may make.</param>
public sealed class Placements(IReadOnlyList<ChunkPlacement> choices)
{
    private int _taken;

    /// <summary>
    /// The next choice, and the goal in it. False: there is none left, or a server in it is not known, not up, or there
    /// twice.
    /// </summary>
    public bool TryTake(ServerTable servers, out ReadOnlyMemory<ServerId> replicas, out ChunkPlacement goal)
    {
        ArgumentNullException.ThrowIfNull(servers);
        (replicas, goal) = (default, null!);
        if (_taken == choices.Count)
        {
            return false;
        }

        var choice = choices[_taken++];
        if (choice.Servers.Count == 0 || choice.Goal > ChunkRow.ReplicasMax || choice.Servers.Count > choice.Goal)
        {
            return false;
        }

        var chosen = new ServerId[choice.Servers.Count];
        for (var i = 0; i < chosen.Length; i++)
        {
            chosen[i] = new ServerId(choice.Servers[i]);
            if (chosen.AsSpan(0, i).Contains(chosen[i])
                || !servers.TryGet(chosen[i], out var server) || server.State != ServerState.Up)
            {
                return false;
            }
        }

        (replicas, goal) = (chosen, choice);
        return true;
    }
}
