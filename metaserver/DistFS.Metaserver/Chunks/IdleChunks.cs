using DistFS.Metadata.Chunks;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Chunks that cannot be copied since somebody may be writing them: one that nobody has written for long, whose writer
/// is gone or only keeps it open, is sealed, so that it is not for ever in danger; and when all servers of a sealed one
/// refuse older versions and have come to rest, that is noted in the log, and it may be copied.
/// </summary>
internal sealed partial class IdleChunks(
    IMetadataRows state,
    IProposals proposals,
    FenceTeller teller,
    LiveServers servers,
    ChunkServerOptions options,
    long nowMs) : IAsyncDisposable
{
    /// <summary>Open chunks of dead servers that are looked at in a second.</summary>
    private const int SealMax = 4 * ChunkLayout.StepMax;

    private const long LookMs = 1_000;

    /// <summary>Chunks with unclean copies that are looked at in a round.</summary>
    private const int DecideMax = ChunkLayout.StepMax;

    /// <summary>Open chunks, as they were when that was first seen.</summary>
    private readonly Dictionary<ChunkId, (ChunkVersion Version, uint Length, long SinceMs)> _open = [];

    /// <summary>Open ones of which a server is dead; in the order in which they are looked at.</summary>
    private readonly Queue<ChunkId> _bereft = new();

    private readonly HashSet<ChunkId> _isBereft = [];

    /// <summary>Of which some copies are unclean, and perhaps none counts; in the order in which they are looked at.
    /// </summary>
    private readonly Queue<ChunkId> _unclean = new();

    private readonly HashSet<ChunkId> _isUnclean = [];

    private readonly CancellationTokenSource _stop = new();
    private long _sealedAtMs;

    /// <summary>Milliseconds of the leader's clock, of this round.</summary>
    public long NowMs { get; set; } = nowMs;

    /// <summary>
    /// A chunk was to be copied, and the log refused it as busy; or a server of it is dead, and nobody may be left who
    /// would notice that by writing.
    /// </summary>
    public async Task LookAsync(ChunkId id, CancellationToken cancellation)
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

            _open[id] = (row.Version, row.Length, NowMs);
        }
        else if (NowMs - seen.SinceMs >= options.SealIdleMs)
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
        if (row.DecidedServer != null || row is { State: ChunkState.Sealed, IsUntold: true })
        {
            _untold.Add(id);
        }

        if (row.DecidedServer == null && !row.UncleanBytes.IsEmpty && _isUnclean.Add(id))
        {
            _unclean.Enqueue(id);
        }

        if (IsBereft(row) && _isBereft.Add(id))
        {
            _bereft.Enqueue(id);
        }
    }

    /// <summary>
    /// Open chunks of which a server is dead are brought to rest, once nobody has written for long: those that are left
    /// may have what they would look up at the dead one, and nobody but who writes would take it out.
    /// </summary>
    public async Task SealAsync(CancellationToken cancellation)
    {
        if (_bereft.Count == 0 || NowMs - _sealedAtMs < LookMs)
        {
            return;
        }

        _sealedAtMs = NowMs;
        for (var left = Math.Min(_bereft.Count, SealMax); left > 0; left--)
        {
            var id = _bereft.Dequeue();
            if (Read(id) is { } row && IsBereft(row))
            {
                await LookAsync(id, cancellation).ConfigureAwait(false);
                _bereft.Enqueue(id);
            }
            else
            {
                _isBereft.Remove(id);
            }
        }
    }

    private bool IsBereft(in ChunkRow row)
    {
        if (row.State != ChunkState.Open)
        {
            return false;
        }

        foreach (var server in row.Replicas.Span)
        {
            if (!row.IsBad(server) && servers.StateOf(server) == Metadata.Placement.ServerState.Dead)
            {
                return true;
            }
        }

        return false;
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
