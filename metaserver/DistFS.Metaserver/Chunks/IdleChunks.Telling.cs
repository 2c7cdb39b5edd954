using DistFS.Metadata.Chunks;
using DistFS.Metadata.Reads;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <content>Sealed chunks whose servers are to come to rest.</content>
internal sealed partial class IdleChunks
{
    /// <summary>Chunks whose servers are told at once.</summary>
    private const int TellMax = ChunkLayout.StepMax;

    /// <summary>What is not done yet is looked at again after this: settling takes some milliseconds.</summary>
    private const long TellAgainMs = 300;

    /// <summary>
    /// A server that knows a version, and does not come to rest in it for so long, cannot reach who is behind it: the
    /// others go on without it, and it is made as they are.
    /// </summary>
    private const long UnsettledMs = 5_000;

    /// <summary>Sealed, and of which servers may not know it, or have not come to rest.</summary>
    private readonly HashSet<ChunkId> _untold = [];

    /// <summary>Of them those that are told also if the log has it that all have come to rest.</summary>
    private readonly HashSet<ChunkId> _doubted = [];

    /// <summary>Of them those that are told again, and when.</summary>
    private readonly Queue<(ChunkId Chunk, long AtMs)> _later = new();

    /// <summary>Since when a server of a version was seen not to come to rest. The telling's own.</summary>
    private readonly Dictionary<ChunkId, (ChunkVersion Version, ServerId Server, long SinceMs)> _unsettled = [];

    private Task<List<(ChunkId Id, bool IsDoubted)>> _telling = Task.FromResult<List<(ChunkId, bool)>>([]);

    /// <summary>
    /// A copy of a sealed chunk failed. Its source may not have come to rest, if a client said that the chunk is sealed
    /// without having told the servers so: they are told now.
    /// </summary>
    public void NotAtRest(ChunkId id)
    {
        if (_doubted.Count < TellMax && _doubted.Add(id))
        {
            _untold.Add(id);
        }
    }

    /// <summary>Tells servers beside the rounds: a silent one must not hold up what else is to be done.</summary>
    public async Task TellAsync()
    {
        while (_later.TryPeek(out var next) && next.AtMs <= NowMs)
        {
            _untold.Add(_later.Dequeue().Chunk);
        }

        if (_telling.IsCompleted)
        {
            // What went wrong with it is the round's failure.
            foreach (var (id, isDoubted) in await _telling.ConfigureAwait(false))
            {
                _later.Enqueue((id, NowMs + TellAgainMs));
                _ = isDoubted && _doubted.Add(id);
            }

            _telling = Task.FromResult<List<(ChunkId, bool)>>([]);
            if (_untold.Count > 0)
            {
                var some = _untold.Take(TellMax).Select(id => (id, _doubted.Contains(id))).ToList();
                foreach (var (id, _) in some)
                {
                    _untold.Remove(id);
                    _doubted.Remove(id);
                }

                _telling = TellAsync(some, NowMs);
            }
        }
    }

    /// <returns>Those that are not done with: they are told again.</returns>
    private async Task<List<(ChunkId Id, bool IsDoubted)>> TellAsync(
        List<(ChunkId Id, bool IsDoubted)> chunks, long nowMs)
    {
        var rows = new List<(ChunkId Id, ChunkRow Row)>();
        var fences = new List<ChunkFence>();
        foreach (var (id, isDoubted) in chunks)
        {
            if (Read(id) is { State: ChunkState.Sealed } row && (row.IsUntold || isDoubted))
            {
                fences.Add(ChunkFences.Of(id, row));
                rows.Add((id, row));
            }
            else
            {
                _unsettled.Remove(id);
            }
        }

        // Of a chunk that somebody was taken out of, the rest is told the next version.
        var told = await teller.TellAsync(fences, options.FenceTimeout, _stop.Token).ConfigureAwait(false);
        var again = new List<(ChunkId, bool)>();
        foreach (var (id, row) in rows)
        {
            if (told.Left.Contains(id) || !await TryRestAsync(id, row, told, nowMs).ConfigureAwait(false))
            {
                again.Add((id, !row.IsUntold));
            }
        }

        return again;
    }

    /// <summary>The next step that brings a chunk to rest whose servers know that it is to. False: it is not done.
    /// </summary>
    private async Task<bool> TryRestAsync(ChunkId id, ChunkRow row, FencesTold told, long nowMs)
    {
        var (hasDown, canLeaveOut) = state.Read(row, static (store, row) =>
        {
            var servers = MetadataView.Open(store)!.Tree.Servers;
            return (ChunkSeals.HasDown(servers, row), ChunkSeals.CanLeaveOutDown(servers, row));
        });
        if (!row.IsUntold && !row.Chain.Any(server => told.Unsettled.Contains((id, server))))
        {
            // It was something else.
            _unsettled.Remove(id);
            return true;
        }

        if (hasDown && row.DecidedServer == null)
        {
            // Once more, without them; or there is nothing to rest with, until somebody comes back.
            if (canLeaveOut)
            {
                await TrySealAsync(id, row, isTold: false, _stop.Token).ConfigureAwait(false);
            }

            return false;
        }

        if (!hasDown && !Teeth.Has(PlantedBug.ToldTakenForRest)
            && row.Chain.LastOrDefault(server => told.Unsettled.Contains((id, server))) is { Value: > 0 } last)
        {
            await LeaveOutAsync(id, row, last, nowMs).ConfigureAwait(false);
            return false;
        }

        _unsettled.Remove(id);
        return await TrySealAsync(id, row, isTold: true, _stop.Token).ConfigureAwait(false);
    }

    /// <summary>
    /// The last one of a chain that has not come to rest, for whom those before it wait, counts for nothing after a
    /// while.
    /// </summary>
    private async Task LeaveOutAsync(ChunkId id, ChunkRow row, ServerId server, long nowMs)
    {
        if (!_unsettled.TryGetValue(id, out var seen) || (seen.Version, seen.Server) != (row.Version, server))
        {
            _unsettled[id] = (row.Version, server, nowMs);
            return;
        }

        if (nowMs - seen.SinceMs < UnsettledMs || !row.Chain.Any(other => other != server))
        {
            return;
        }

        var request = new ChangeReplicasRequest();
        request.Changes.Add(new ChangeReplicasRequest.Types.Change
        {
            Chunk = id.Value,
            Version = row.Version.Value,
            Server = server.Value,
            Unclean = true,
        });
        await proposals.TryAsync(new MetadataCommand { ChangeReplicas = request }, _stop.Token).ConfigureAwait(false);
    }
}
