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
    MetadataState state, Proposals proposals, FenceTeller teller, ChunkServerOptions options) : IAsyncDisposable
{
    /// <summary>Chunks whose servers are told at once.</summary>
    private const int TellMax = ChunkLayout.StepMax;

    /// <summary>Open chunks, as they were when that was first seen.</summary>
    private readonly Dictionary<ChunkId, (ChunkVersion Version, uint Length, long SinceMs)> _open = [];

    /// <summary>Sealed, and of which servers may not know it.</summary>
    private readonly HashSet<ChunkId> _untold = [];

    private readonly CancellationTokenSource _stop = new();
    private Task _telling = Task.CompletedTask;

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

    /// <summary>Tells servers beside the rounds: a silent one must not hold up what else is to be done.</summary>
    public async Task TellAsync()
    {
        if (_telling.IsCompleted)
        {
            // What went wrong with it is the round's failure.
            await _telling.ConfigureAwait(false);
            _telling = Task.CompletedTask;
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

    private async Task TellAsync(List<ChunkId> chunks)
    {
        var rows = new List<(ChunkId Id, ChunkRow Row)>();
        var fences = new List<ChunkFence>();
        foreach (var id in chunks)
        {
            if (Read(id) is { State: ChunkState.Sealed, IsUntold: true } row)
            {
                var fence = new ChunkFence { Chunk = id.Value, Version = row.Version.Value, Length = row.Length };
                fence.Servers.Add(row.Replicas.ToArray().Select(static server => server.Value));
                fences.Add(fence);
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
