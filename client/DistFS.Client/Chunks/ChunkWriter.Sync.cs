using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Client.Chunks;

/// <content>Making durable what was acknowledged.</content>
public sealed partial class ChunkWriter
{
    private async Task SyncAsync(bool isSeal, CancellationToken cancellation)
    {
        var began = _scheduler.Clock.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            await FlushAsync(cancellation).ConfigureAwait(false);
            ChunkTarget target;
            long acknowledged;
            lock (_gate)
            {
                (target, acknowledged) = (_target, _volatile);
            }

            var failure = await TrySyncAsync(target, isSeal, cancellation).ConfigureAwait(false);
            if (failure == null)
            {
                lock (_gate)
                {
                    _synced = Math.Max(_synced, acknowledged);
                }

                return;
            }

            if (attempt > _options.AttemptsMax && _scheduler.Clock.GetElapsedTime(began) > _options.Patience)
            {
                throw failure.ToException();
            }

            // What was acknowledged is with those who stay; the next attempt makes it durable there.
            await RecoverAsync(target, failure).WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async Task<WriteFailure?> TrySyncAsync(ChunkTarget target, bool isSeal, CancellationToken cancellation)
    {
        var request = new SyncChunkRequest
        {
            Name = target.Name,
            Server = target.Head.Id.Value,
            Seal = isSeal,
        };
        request.Chain.AddRange(HopsOf(target));
        try
        {
            return WriteFailure.Of(await _links.To(target.Head.Address)
                .CallAsync(ChunkDataMethods.Sync, request, _options.CallTimeout, cancellation)
                .ConfigureAwait(false));
        }
        catch (DistFsException e)
        {
            return new WriteFailure(target.Head.Id, e.Code, e.Message);
        }
    }
}
