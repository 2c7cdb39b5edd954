using DistFS.Primitives;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// Something a member does every so often for as long as it runs, one round after the other. A round that fails stops
/// the member: one that does none of its duties must not go on as if it did.
/// </summary>
internal sealed class DutyLoop : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <summary>Starts; the first round is one interval from now.</summary>
    /// <param name="self">Which member.</param>
    /// <param name="interval">From one round to the next, or as long as a round takes, if that is longer.</param>
    /// <param name="clock">Whose time.</param>
    /// <param name="round">A round, bounded in time, which ends when it is cancelled.</param>
    /// <param name="onFailed">Called once with what a round failed of; then there are no more.</param>
    public DutyLoop(
        MemberId self,
        TimeSpan interval,
        TimeProvider clock,
        Func<CancellationToken, Task> round,
        Action<DistFsException> onFailed) =>
        _loop = Task.Run(() => RunAsync(self, interval, clock, round, onFailed, _stop.Token));

    /// <summary>Ends the round that is under way, and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private static async Task RunAsync(
        MemberId self,
        TimeSpan interval,
        TimeProvider clock,
        Func<CancellationToken, Task> round,
        Action<DistFsException> onFailed,
        CancellationToken stop)
    {
        try
        {
            using var timer = new PeriodicTimer(interval, clock);
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                await round(stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception error)
        {
            onFailed(error as DistFsException ?? new DistFsException(
                ErrorCatalog.MemberStopped,
                $"Metaserver {self} stopped itself: {error.GetType().Name}: {error.Message}",
                error));
        }
    }
}
