using DistFS.Metadata.Chunks;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Chunks that cannot be copied since somebody may be writing them: one that nobody has written for long, whose writer
/// is gone or only keeps it open, is sealed, so that it is not for ever in danger; and when all servers of a sealed one
/// refuse older versions, that is noted in the log, and it may be copied.
/// </summary>
internal sealed class IdleChunks(
    IMetadataRows state, IProposals proposals, FenceTeller teller, ChunkServerOptions options) : IAsyncDisposable
{
    /// <summary>Chunks whose servers are told at once.</summary>
    private const int TellMax = ChunkLayout.StepMax;

    /// <summary>Chunks with unclean copies that are looked at in a round.</summary>
    private const int DecideMax = ChunkLayout.StepMax;

    /// <summary>Open chunks, as they were when that was first seen.</summary>
    private readonly Dictionary<ChunkId, (ChunkVersion Version, uint Length, long SinceMs)> _open = [];

    /// <summary>Sealed, and of which servers may not know it.</summary>
    private readonly HashSet<ChunkId> _untold = [];

    /// <summary>Of which some copies are unclean, and perhaps none counts; in the order in which they are looked at.
    /// </summary>
    private readonly Queue<ChunkId> _unclean = new();

    private readonly HashSet<ChunkId> _isUnclean = [];

    private readonly CancellationTokenSource _stop = new();
    private Task<List<ChunkId>> _telling = Task.FromResult<List<ChunkId>>([]);

    /// <summary>A chunk was to be copied, and the log refused it as busy.</summary>
    public async Task LookAsync(ChunkId id, long nowMs, CancellationToken cancellation)
    {
        if (Read(id) is not { State: ChunkState.Open } row)
        {
            _open.Remove(id);
            _untold.Add(id);
            return;
        }

        if (!_open.TryGetValue(id, out var seen) || seen.Version != row.Version || seen.Length != row.Length)
        {
            if (_open.Count >= options.Repair.ChunksMax)
            {
                _open.Clear();
            }

            _open[id] = (row.Version, row.Length, nowMs);
        }
        else if (nowMs - seen.SinceMs >= options.SealIdleMs)
        {
            _open.Remove(id);
            if (await TrySealAsync(id, row, isTold: false, cancellation).ConfigureAwait(false))
            {
                _untold.Add(id);
            }
        }
    }

    /// <summary>A chunk is as this says: what follows of unclean copies of it is done in the next rounds.</summary>
    public void Watch(ChunkId id, in ChunkRow row)
    {
        if (row.DecidedServer != null)
        {
            _untold.Add(id);
        }
        else if (!row.UncleanBytes.IsEmpty && _isUnclean.Add(id))
        {
            _unclean.Enqueue(id);
        }
    }

    /// <summary>
    /// Of chunks none of whose copies counts any more, since a server went down, one is chosen. What servers tell is
    /// decided when they tell it.
    /// </summary>
    public async Task DecideAsync(CancellationToken cancellation)
    {
        if (_unclean.Count == 0)
        {
            return;
        }

        var request = new ChangeReplicasRequest();
        for (var left = Math.Min(_unclean.Count, DecideMax); left > 0; left--)
        {
            var id = _unclean.Dequeue();
            var found = state.Read(id, static (store, id) =>
            {
                var tree = MetadataView.Open(store)!.Tree;
                var isThere = tree.Chunks.TryGet(id, out var row);
                var isDue = isThere && UncleanCopies.TryDecide(tree.Servers, row, row.ChangedAt, out _);
                return (Row: isThere ? row : (ChunkRow?)null, IsDue: isDue);
            });
            if (found.Row is not { UncleanBytes.IsEmpty: false, DecidedServer: null } row)
            {
                // It is decided, and told by who sees that; or nothing of it is unclean any more.
                _isUnclean.Remove(id);
                continue;
            }

            _unclean.Enqueue(id);
            if (found.IsDue)
            {
                var server = row.Replicas.ToArray().First(row.IsUnclean);
                request.Changes.Add(new ChangeReplicasRequest.Types.Change
                {
                    Chunk = id.Value,
                    Version = row.Version.Value,
                    Server = server.Value,
                    Unclean = true,
                    Length = row.UncleanBytesOf(server),
                });
            }
        }

        if (request.Changes.Count > 0)
        {
            // Not known to be done: the next round looks again.
            await proposals.TryAsync(new MetadataCommand { ChangeReplicas = request }, cancellation)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Tells servers beside the rounds: a silent one must not hold up what else is to be done.</summary>
    public async Task TellAsync()
    {
        if (_telling.IsCompleted)
        {
            // What went wrong with it is the round's failure.
            _untold.UnionWith(await _telling.ConfigureAwait(false));
            _telling = Task.FromResult<List<ChunkId>>([]);
            if (_untold.Count > 0)
            {
                var some = _untold.Take(TellMax).ToList();
                _untold.ExceptWith(some);
                _telling = TellAsync(some);
            }
        }
    }

    /// <summary>Another leader goes on, from the rows.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _telling.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }

        _stop.Dispose();
    }

    /// <returns>Those of which a server is left that may not know: the next round tells them again.</returns>
    private async Task<List<ChunkId>> TellAsync(List<ChunkId> chunks)
    {
        var rows = new List<(ChunkId Id, ChunkRow Row)>();
        var fences = new List<ChunkFence>();
        foreach (var id in chunks)
        {
            if (Read(id) is { State: ChunkState.Sealed, IsUntold: true } row)
            {
                fences.Add(ChunkFences.Of(id, row));
                rows.Add((id, row));
            }
        }

        // Of a chunk that somebody was taken out of, the rest is told the next version when it is to be copied again.
        var left = await teller.TellAsync(fences, options.FenceTimeout, _stop.Token).ConfigureAwait(false);
        foreach (var (id, row) in rows)
        {
            if (!left.Contains(id))
            {
                await TrySealAsync(id, row, isTold: true, _stop.Token).ConfigureAwait(false);
            }
        }

        return [.. left];
    }

    private async Task<bool> TrySealAsync(ChunkId id, ChunkRow row, bool isTold, CancellationToken cancellation)
    {
        var request = new SealIdleRequest
        {
            Chunk = id.Value,
            Version = row.Version.Value,
            Length = row.Length,
            IsTold = isTold,
        };
        var reply = await proposals.TryAsync(new MetadataCommand { SealIdle = request }, cancellation)
            .ConfigureAwait(false);
        return reply is { Status: 0 };
    }

    private ChunkRow? Read(ChunkId id) => state.Read(id, static (store, id) =>
        MetadataView.Open(store)!.Tree.Chunks.TryGet(id, out var row) ? (ChunkRow?)row : null);
}
