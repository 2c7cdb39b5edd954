using DistFS.Primitives;

namespace DistFS.Client.Chunks;

/// <content>When a server fails: another version, in which everything is repeated that was not acknowledged.</content>
public sealed partial class ChunkWriter
{
    private int _failedInARow;
    private long _failingSince;

    /// <summary>Begins another version, once for all who ask for it.</summary>
    /// <param name="failed">The version that failed; if it is over already, nothing is done.</param>
    /// <param name="failure">The first thing that happened.</param>
    private Task RecoverAsync(ChunkTarget failed, WriteFailure failure)
    {
        lock (_gate)
        {
            if (_error != null || !ReferenceEquals(failed, _target) || _recovery is { IsCompleted: false })
            {
                return _scheduler.Shared(_recovery ?? Task.CompletedTask);
            }

            // Who waits for those that cannot come need not wait any longer.
            _scheduler.Cancel(_version);
            _recovery = _scheduler.Run(() => RunAsync(failed, failure));
            return _scheduler.Shared(_recovery);
        }
    }

    private async Task RunAsync(ChunkTarget failed, WriteFailure failure)
    {
        try
        {
            // What was replied to in order need not be repeated.
            await CallsEndAsync().ConfigureAwait(false);
            uint length;
            int failures;
            lock (_gate)
            {
                (length, failures) = (_acknowledged, ++_failedInARow);
                _failingSince = failures == 1 ? _scheduler.Clock.GetTimestamp() : _failingSince;
            }

            if (failures > _options.AttemptsMax && _scheduler.Clock.GetElapsedTime(_failingSince) > _options.Patience)
            {
                throw failure.ToException();
            }

            if (failures > 1)
            {
                await Task.Delay(
                    ChunkWriterOptions.PauseAfter(failures - 1), _scheduler.Clock, _ended.Token)
                    .ConfigureAwait(false);
            }

            // Who is asked has a patience of its own, and says why nothing came of it.
            var next = await _versions
                .BeginVersionAsync(failed, length, DropOf(failed, failure), _ended.Token)
                .ConfigureAwait(false);
            Check.That(next.Version.Value > failed.Version.Value);
            lock (_gate)
            {
                Recoveries++;
                (_target, _sequence, _recovery) = (next, 0, null);

                // Also less than before: somebody else may have cut what was committed.
                (_acknowledged, _isUsed) = (next.StoredLength, false);
                _begins = next.StoredLength == 0 && length == 0;
                _version = new CancellationTokenSource();

                // Everybody who comes from here on is sent behind these. A copy: one may end at once.
                foreach (var write in _error == null ? _pending.ToArray() : [])
                {
                    if (Teeth.Has(PlantedBug.RepeatedWithGaps) && write.IsReplied)
                    {
                        continue;
                    }

                    Start(write);
                }
            }
        }
        catch (Exception e)
        {
            // Whatever it is: nothing is left waiting.
            FailAll(e as DistFsException ?? new DistFsException(ErrorCatalog.Internal, e.Message, e));
        }
    }

    /// <summary>Who failed, unless there is no other.</summary>
    private static ServerId[] DropOf(ChunkTarget failed, WriteFailure failure) =>
        failure.IsOfServer && failed.Servers.Count > 1 && failed.Servers.Any(server => server.Id == failure.Server)
            ? [failure.Server]
            : [];

    private Task CallsEndAsync()
    {
        lock (_gate)
        {
            return _calls == 0
                ? Task.CompletedTask
                : _scheduler.Shared((_callsEnd ??= _scheduler.NewSource()).Task);
        }
    }

    private void FailAll(DistFsException error)
    {
        PendingWrite[] pending;
        lock (_gate)
        {
            _error ??= error;
            pending = [.. _pending];
            _pending.Clear();
            _scheduler.Cancel(_version);
            _scheduler.Cancel(_ended);
        }

        foreach (var write in pending)
        {
            write.Fail(error);
            _window.Leave();
        }
    }
}
