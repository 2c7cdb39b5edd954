using DistFS.Metadata.Placement.Repair;
using DistFS.Primitives;
using DistFS.Protocol;
using ChunkInfo = DistFS.Metadata.Placement.ChunkInfo;

namespace DistFS.Metaserver.Chunks;

/// <content>What the planner wants, done through the log.</content>
internal sealed partial class RepairRunner
{
    private async Task DoAsync(long nowMs, CancellationToken cancellation)
    {
        var starts = new List<CopyAssignment>();
        var removals = new List<RemoveReplica>();
        foreach (var command in _commands)
        {
            switch (command)
            {
                case StartCopy start:
                    starts.Add(start.Assignment);
                    break;
                case CancelCopy cancel when _copies.TryGetValue(cancel.Copy.Value, out var copy):
                    GiveUp(copy);
                    break;
                case RemoveReplica removal:
                    removals.Add(removal);
                    break;
                case ScanChunks scan:
                    _scans.Enqueue(scan.Server);
                    break;
                default:
                    // Cancels what never began.
                    break;
            }
        }

        for (var from = 0; from < starts.Count; from += BatchMax)
        {
            await StartAsync(starts.GetRange(from, Math.Min(BatchMax, starts.Count - from)), nowMs, cancellation)
                .ConfigureAwait(false);
        }

        for (var from = 0; from < removals.Count; from += BatchMax)
        {
            await RemoveAsync(removals.GetRange(from, Math.Min(BatchMax, removals.Count - from)), cancellation)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Notes copies in the log, then tells their targets.</summary>
    private async Task StartAsync(List<CopyAssignment> starts, long nowMs, CancellationToken cancellation)
    {
        var request = new BeginCopiesRequest();
        foreach (var copy in starts)
        {
            request.Copies.Add(new BeginCopiesRequest.Types.Begin
            {
                Copy = copy.Copy.Value,
                Chunk = copy.Chunk.Value,
                Version = copy.Version.Value,
                Source = copy.Source.Value,
                Target = copy.Target.Value,
                Replaces = copy.Replaces.Value,
                SizeBytes = (ulong)copy.SizeBytes,
                BeganMs = copy.BeganMs,
            });
        }

        var reply = await _proposals.TryAsync(new MetadataCommand { BeginCopies = request }, cancellation)
            .ConfigureAwait(false);
        for (var i = 0; i < starts.Count; i++)
        {
            var copy = starts[i];
            var status = reply?.Copies is { } told ? (FsStatus)told.Statuses[i] : (FsStatus?)null;
            if (status == FsStatus.Ok)
            {
                _copies.Add(copy.Copy.Value, copy);
                Order(copy);
                continue;
            }

            if (status == null)
            {
                // It may be noted: then it ends at once.
                _ends.Enqueue(EndOf(copy, isDone: false));
            }

            _planner.CopyFailed(copy.Copy);
            if (status is FsStatus.NotFound)
            {
                _planner.Forget(copy.Chunk);
            }
            else if (status == FsStatus.Busy)
            {
                await _idle.LookAsync(copy.Chunk, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task RemoveAsync(List<RemoveReplica> removals, CancellationToken cancellation)
    {
        var request = new ChangeReplicasRequest();
        foreach (var removal in removals)
        {
            request.Changes.Add(new ChangeReplicasRequest.Types.Change
            {
                Chunk = removal.Chunk.Value,
                Version = removal.Version.Value,
                Server = removal.Server.Value,
            });
        }

        // Not known to be done: the planner tells it again after a while.
        var reply = await _proposals.TryAsync(new MetadataCommand { ChangeReplicas = request }, cancellation)
            .ConfigureAwait(false);
        for (var i = 0; i < (reply?.ChangeReplicas?.Statuses.Count ?? 0); i++)
        {
            var id = removals[i].Chunk;
            if (!TryRead(id, out var row))
            {
                _planner.Forget(id);
            }
            else if (reply!.ChangeReplicas.Statuses[i] == 0)
            {
                _planner.Offer(ChunkInfo.Of(id, row));
            }
            else
            {
                _planner.RemovalRefused(ChunkInfo.Of(id, row));
            }
        }
    }

    /// <summary>Tells the log what has ended without a copy; what is not known to be told is told again.</summary>
    private async Task EndAsync(CancellationToken cancellation)
    {
        while (_ends.Count > 0)
        {
            var request = new EndCopiesRequest();
            request.Copies.Add(_ends.Take(BatchMax));
            var reply = await _proposals.TryAsync(new MetadataCommand { EndCopies = request }, cancellation)
                .ConfigureAwait(false);
            if (reply?.Copies == null)
            {
                return;
            }

            for (var i = request.Copies.Count; i > 0; i--)
            {
                _ends.Dequeue();
            }
        }
    }

    private static EndCopiesRequest.Types.End EndOf(in CopyAssignment copy, bool isDone) => new()
    {
        Copy = copy.Copy.Value,
        Chunk = copy.Chunk.Value,
        Version = copy.Version.Value,
        Target = copy.Target.Value,
        IsDone = isDone,
    };
}
