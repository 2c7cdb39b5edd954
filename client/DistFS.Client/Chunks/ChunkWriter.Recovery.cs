using DistFS.Primitives;

namespace DistFS.Client.Chunks;

/// <content>When a server fails: another version, in which everything is repeated that was not acknowledged.</content>
public sealed partial class ChunkWriter
{
    private int _failedInARow;
    private uint _acknowledgedBefore;

    /// <summary>Begins another version, once for all who ask for it.</summary>
    /// <param name="failed">The version that failed; if it is over already, nothing is done.</param>
    /// <param name="failure">The first thing that happened.</param>
    private Task RecoverAsync(ChunkTarget failed, WriteFailure failure)
    {
        lock (_gate)
        {
            if (_error != null || !ReferenceEquals(failed, _target))
            {
                return _recovery ?? Task.CompletedTask;
            }

            return _recovery is { IsCompleted: false }
                ? _recovery
                : _recovery = Task.Run(() => RunAsync(failed, failure));
        }
    }

    private async Task RunAsync(ChunkTarget failed, WriteFailure failure)
    {
        try
        {
            // Those under way end soon, each well or not: what they acknowledge need not be repeated.
            await CallsEndAsync().ConfigureAwait(false);
            uint length;
            lock (_gate)
            {
                length = _acknowledged;
                _failedInARow = length > _acknowledgedBefore ? 1 : _failedInARow + 1;
                _acknowledgedBefore = length;
            }

            if (_failedInARow > _options.AttemptsMax)
            {
                throw failure.ToException();
            }

            if (_failedInARow > 1)
            {
                await Task.Delay(ChunkWriterOptions.PauseAfter(_failedInARow - 1)).ConfigureAwait(false);
            }

            var drop = failure.IsOfServer(failed.Head.Id) && failed.Servers.Count > 1
                && failed.Servers.Any(server => server.Id == failure.Server)
                    ? new[] { failure.Server }
                    : [];
            var next = await _versions
                .BeginVersionAsync(failed, length, drop, CancellationToken.None).ConfigureAwait(false);
            Check.That(next.Version.Value > failed.Version.Value);
            lock (_gate)
            {
                Recoveries++;
                (_target, _sequence) = (next, 0);
                _begins = next.StoredLength == 0 && length == 0;

                // Everybody who comes from here on is sent behind these.
                _recovery = null;
                foreach (var write in _pending)
                {
                    Start(write);
                }
            }
        }
        catch (DistFsException e)
        {
            FailAll(e);
        }
    }

    private async Task CallsEndAsync()
    {
        for (;;)
        {
            Task[] calls;
            lock (_gate)
            {
                calls = [.. _calls];
            }

            if (calls.Length == 0)
            {
                return;
            }

            await Task.WhenAll(calls).ConfigureAwait(false);
            lock (_gate)
            {
                _calls.RemoveWhere(static call => call.IsCompleted);
            }
        }
    }

    private void FailAll(DistFsException error)
    {
        PendingWrite[] pending;
        lock (_gate)
        {
            _error = error;
            pending = [.. _pending];
            _pending.Clear();
        }

        foreach (var write in pending)
        {
            write.Fail(error);
            _window.Release();
        }
    }
}
