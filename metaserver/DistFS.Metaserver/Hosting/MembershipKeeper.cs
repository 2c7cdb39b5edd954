using DistFS.Metadata.Members;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Raft;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// What a leader does about the members: brings the configuration of the log to what the state machine says is to be.
/// Whoever leads does it, step by step, so that a join or a removal goes on whatever becomes of those who asked for it.
/// </summary>
internal sealed partial class MembershipKeeper : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);
    private const int PollsMax = 100;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly RaftDriver _driver;
    private readonly MetadataState _state;
    private readonly ulong _lagMax;
    private readonly TimeSpan _election;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private string _lastRefusal = "";

    public MembershipKeeper(
        RaftDriver driver,
        MetadataState state,
        RaftDriverOptions options,
        ILogger logger,
        Action<DistFsException> onFailed)
    {
        (_driver, _state, _logger) = (driver, state, logger);
        (_lagMax, _election) = (options.Raft.PromotionLagMax, options.Timing.Election);
        _loop = Task.Run(() => RunAsync(onFailed));
    }

    /// <summary>
    /// Held by whoever thinks out a removal, until it is in the state or its caller waits no longer: the next one looks
    /// behind an entry of its own.
    /// </summary>
    public SemaphoreSlim Removing { get; } = new(1);

    /// <summary>There may be something to do.</summary>
    public void Wake() => _wake.Release();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
        Removing.Dispose();
    }

    /// <summary>All that were admitted or removed, as far as this member has applied.</summary>
    public static IReadOnlyList<(MemberId Id, MemberRow Row)> Rows(MetadataState state) =>
        state.Read(0, static (store, _) => MetadataView.Open(store)?.Tree.Members.All ?? []);

    private async Task RunAsync(Action<DistFsException> onFailed)
    {
        try
        {
            while (true)
            {
                await _wake.WaitAsync(Interval, _stop.Token).ConfigureAwait(false);
                if (_driver.IsLeader)
                {
                    await StepAsync().ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception error)
        {
            // The state cannot be read, or worse: a leader that does none of its duties must not go on.
            onFailed(error as DistFsException ?? new DistFsException(
                ErrorCatalog.MemberStopped,
                $"Metaserver {_driver.Self} stopped itself: {error.GetType().Name}: {error.Message}",
                error));
        }
    }

    private async Task StepAsync()
    {
        RaftStatus status;
        try
        {
            status = await _driver.StatusAsync(Timeout, _stop.Token).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The core waits for its disk. Nothing can be changed either.
            return;
        }

        // What is committed says who was removed before the configuration does: with older rows they would come back.
        if (!await HasAppliedAsync(status.Commit).ConfigureAwait(false))
        {
            return;
        }

        var rows = Rows(_state);
        if (status.TransferTarget.Value != 0)
        {
            // It ends, one way or the other.
            return;
        }

        if (rows.Any(row => row.Id == _driver.Self && row.Row.IsRemoved)
            && MembershipPlan.Heir(status, _driver.Self, rows) is { } heir)
        {
            // Another leader takes this one out: nobody then waits for a time-out. If it fails, the next round tries.
            await _driver.TransferLeadershipAsync(heir, _election, _stop.Token).ConfigureAwait(false);
            return;
        }

        if (MembershipPlan.Next(status, _driver.Self, rows, _lagMax) is not { } target)
        {
            return;
        }

        var outcome = await _driver.ChangeMembershipAsync(
            status.Configuration, target, Timeout, _stop.Token).ConfigureAwait(false);
        if (outcome.Status == CallStatus.Done)
        {
            LogChanged(_logger, _driver.Self, status.Configuration, target);
        }
        else if (outcome.Reason is { } reason && reason != _lastRefusal)
        {
            // It is tried again while it is due; told once.
            _lastRefusal = reason;
            LogNotChanged(_logger, _driver.Self, target, outcome.Status, reason);
        }
    }

    private async Task<bool> HasAppliedAsync(LogIndex index)
    {
        using var timer = new PeriodicTimer(Poll);
        for (var i = 0; i < PollsMax && _state.AppliedIndex < index; i++)
        {
            await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false);
        }

        return _state.AppliedIndex >= index;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Metaserver {Self} changes the members: {From} to {To}.")]
    private static partial void LogChanged(ILogger logger, MemberId self, RaftConfiguration from, RaftConfiguration to);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Metaserver {Self} cannot change the members to {To} yet: {Status}. {Reason} It tries again.")]
    private static partial void LogNotChanged(
        ILogger logger, MemberId self, RaftConfiguration to, CallStatus status, string reason);
}
