using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Services;
using Microsoft.Extensions.Logging;

namespace DistFS.Chunkserver.Cluster;

/// <summary>
/// Speaks with the leading metaserver: does what <see cref="AgentCore"/> decides. Two loops, so that heartbeats wait
/// for nothing else.
/// </summary>
internal sealed partial class ClusterAgent : IAsyncDisposable
{
    // Between attempts of what nobody answers, beside the pauses of the channel.
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    // Work that waits for something that is not told, as a copy that is being given up.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly AgentCore _core;
    private readonly LeaderChannel _leader;
    private readonly IAgentHost _host;
    private readonly ServingLease _lease;
    private readonly AgentOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Action<DistFsException> _onFailed;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _beatNow = new(0);
    private readonly SemaphoreSlim _workNow = new(0);
    private Task _beats = Task.CompletedTask;
    private Task _works = Task.CompletedTask;
    private AgentPhase _lastPhase = AgentPhase.Registering;

    public ClusterAgent(
        AgentCore core,
        LeaderChannel leader,
        IAgentHost host,
        ServingLease lease,
        AgentOptions options,
        TimeProvider clock,
        ILogger logger,
        Action<DistFsException> onFailed)
    {
        (_core, _leader, _host, _lease) = (core, leader, host, lease);
        (_options, _clock, _logger, _onFailed) = (options, clock, logger, onFailed);
    }

    /// <summary>Where it is with the leader.</summary>
    public AgentPhase Phase => Ask(static core => core.Phase);

    /// <summary>Its id; zero before it first registered.</summary>
    public ServerId Server => Ask(static core => core.Server);

    /// <summary>Copies that are lost and not yet ordered to be deleted or made.</summary>
    public int LossCount => Ask(static core => core.LossCount);

    /// <summary>From which chunk on the inventory is still to be told.</summary>
    public ChunkId ToldUpTo => Ask(static core => core.ToldUpTo);

    /// <summary>Begins.</summary>
    public void Start()
    {
        _beats = Task.Run(() => GuardAsync(BeatAsync));
        _works = Task.Run(() => GuardAsync(WorkAsync));
    }

    /// <summary>A copy is lost.</summary>
    public void Lost(LostCopy copy) => Tell(core => core.Lost(copy));

    /// <summary>A chunk came to a version.</summary>
    public void VersionBegun(ChunkId chunk, ChunkVersion version) => Tell(core => core.VersionBegun(chunk, version));

    /// <summary>Many copies are gone, as with a disk: what is left is told once more, and served meanwhile.</summary>
    public void TellAgain()
    {
        Tell(static core => core.TellAgain());
        _workNow.Release();
    }

    /// <summary>A copy has ended: told at once, since whoever lost it waits.</summary>
    public void CopyEnded(CopyResult result)
    {
        Tell(core => core.CopyEnded(result));
        _beatNow.Release();
        _workNow.Release();
    }

    /// <summary>
    /// The server stops on purpose: from here on it serves nobody, and the leader is told, if one is found in time.
    /// </summary>
    public async Task LeaveAsync(CancellationToken cancellation)
    {
        Tell(core => core.Leave((uint)Math.Clamp(_options.BackWithin.TotalMilliseconds, 1, 3_600_000)));
        _beatNow.Release();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.LeaveLimit);
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            while (!Ask(static core => core.HasLeft || core.Phase == AgentPhase.Over))
            {
                await timer.WaitForNextTickAsync(limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // Then it is dead to them after a while.
            LogNotTold(_logger, Server, _options.LeaveLimit);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _lease.Set(0);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _beats.ConfigureAwait(false);
        await _works.ConfigureAwait(false);
        _lease.Set(0);
        _stop.Dispose();
        _beatNow.Dispose();
        _workNow.Dispose();
    }

    private async Task BeatAsync(CancellationToken stop)
    {
        while (true)
        {
            var facts = _host.Facts;
            var pause = _options.Heartbeat;
            if (Ask(core => core.NextHeartbeat(facts)) is { } beat)
            {
                var again = await BeatOnceAsync(beat, stop).ConfigureAwait(false);
                pause = again > TimeSpan.Zero && again < pause ? again : pause;
            }

            // Asked for meanwhile more than once, it is one heartbeat all the same.
            await _beatNow.WaitAsync(pause, stop).ConfigureAwait(false);
            while (_beatNow.Wait(0, CancellationToken.None))
            {
                // Taken.
            }
        }
    }

    /// <returns>When the leader would like to hear of it again; zero: it did not say.</returns>
    private async Task<TimeSpan> BeatOnceAsync(Heartbeat beat, CancellationToken stop)
    {
        try
        {
            var how = new LeaderCall(_options.AskLimit, _options.HeartbeatTimeout, Lane.Priority);
            var (reply, sentMs, _) = await _leader.AskAsync(
                ChunkServersMethods.Heartbeat, beat.Request, static reply => reply.Answer, how, stop)
                .ConfigureAwait(false);
            var orders = AgentOrders.None;
            Tell(core => orders = core.HeartbeatAnswered(beat, reply, sentMs));
            _host.Order(orders);
            _workNow.Release();
            return TimeSpan.FromMilliseconds(reply.AgainMs);
        }
        catch (RpcException e) when (!stop.IsCancellationRequested)
        {
            LogNoAnswer(_logger, Server, e.Message);
            Tell(core => core.HeartbeatFailed(e.Code));
            return TimeSpan.Zero;
        }
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        while (true)
        {
            if (Ask(static core => core.NextWork()) is { } work)
            {
                try
                {
                    await DoAsync(work, stop).ConfigureAwait(false);
                    continue;
                }
                catch (DistFsException e) when (!stop.IsCancellationRequested
                    && (e is RpcException || e.Code == ErrorCatalog.ChunkStoreFailed))
                {
                    // Not answered, refused by a busy leader, or a store failed: asked again, of what is so by then.
                    LogNoAnswer(_logger, Server, e.Message);
                    await _workNow.WaitAsync(RetryPause, stop).ConfigureAwait(false);
                }
            }
            else
            {
                await _workNow.WaitAsync(LookAgain, stop).ConfigureAwait(false);
            }
        }
    }

    private async Task DoAsync(AgentWork work, CancellationToken stop)
    {
        var how = new LeaderCall(_options.AskLimit, _options.AskTimeout);
        switch (work)
        {
            case AgentWork.Register register:
                register.Request.CapacityBytes = _host.Facts.CapacityBytes;
                var (registered, _, _) = await _leader.AskAsync(
                    ChunkServersMethods.Register, register.Request, static reply => reply.Answer, how, stop)
                    .ConfigureAwait(false);
                if (registered.Answer.Status == 0)
                {
                    var cluster = new ClusterId(new UInt128(registered.ClusterHigh, registered.ClusterLow));
                    await _host.RegisteredAsync(new ServerId(registered.Server), cluster, stop).ConfigureAwait(false);
                }

                Tell(core => core.Registered(registered));
                _beatNow.Release();
                break;
            case AgentWork.Page page:
                await TellPageAsync(page, how, stop).ConfigureAwait(false);
                break;
            case AgentWork.Delete delete:
                await DeleteAsync(delete.Orders, stop).ConfigureAwait(false);
                break;
            case AgentWork.Confirm confirm:
                var (confirmed, _, _) = await _leader.AskAsync(
                    ChunkServersMethods.ConfirmDeleted, confirm.Request, static reply => reply, how, stop)
                    .ConfigureAwait(false);
                Tell(core => core.ConfirmAnswered(confirm.Request, confirmed));
                break;
        }
    }

    private async Task TellPageAsync(AgentWork.Page page, LeaderCall how, CancellationToken stop)
    {
        // After the position of the page was taken: what is there now is there at that position or later.
        var copies = await _host.LookAsync(new ChunkId(page.Request.First), AgentCore.PageMax, stop)
            .ConfigureAwait(false);
        page.Request.Copies.Add(copies);
        page.Request.End = copies.Count == AgentCore.PageMax ? copies[^1].Chunk + 1 : 0;
        var (reply, _, _) = await _leader.AskAsync(
            ChunkServersMethods.Inventory, page.Request, static reply => reply.Answer, how, stop)
            .ConfigureAwait(false);
        if (reply.Answer.Status == 0 && reply.Fences.Count > 0)
        {
            await _host.FenceAsync(reply.Fences, reply.Members, stop).ConfigureAwait(false);
        }

        var orders = AgentOrders.None;
        Tell(core => orders = core.PageAnswered(page, reply));
        _host.Order(orders);
    }

    private async Task DeleteAsync(IReadOnlyList<DeleteOrder> orders, CancellationToken stop)
    {
        var done = await _host.DeleteAsync(orders, stop).ConfigureAwait(false);
        Tell(core =>
        {
            core.Deleted(done);
            core.NotDeleted([.. orders.Except(done)]);
        });
    }

    /// <summary>A loop that ends otherwise than by a stop ends the server: half an agent is worse than none.</summary>
    private async Task GuardAsync(Func<CancellationToken, Task> loop)
    {
        try
        {
            await loop(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception e)
        {
            _lease.Set(0);
            _onFailed(e as DistFsException ?? new DistFsException(
                ErrorCatalog.Internal, $"Chunk server {Server} stopped itself: {e.GetType().Name}: {e.Message}", e));
        }
    }

    private T Ask<T>(Func<AgentCore, T> ask)
    {
        lock (_gate)
        {
            return ask(_core);
        }
    }

    /// <summary>What the core decides of it about serving holds when this returns.</summary>
    private void Tell(Action<AgentCore> tell)
    {
        AgentPhase? changed = null;
        DistFsException? failure;
        lock (_gate)
        {
            tell(_core);
            _lease.Set(_core.ServesUntilMs);
            failure = _core.Failure;
            if (_core.Phase != _lastPhase)
            {
                _lastPhase = _core.Phase;
                changed = _lastPhase;
            }
        }

        if (changed is { } phase)
        {
            LogPhase(_logger, Server, phase);
        }

        if (failure != null)
        {
            _onFailed(failure);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Chunk server {Server} is {Phase} with the cluster.")]
    private static partial void LogPhase(ILogger logger, ServerId server, AgentPhase phase);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Chunk server {Server} hears from no leader: {Reason}")]
    private static partial void LogNoAnswer(ILogger logger, ServerId server, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Chunk server {Server} stops, and found no leader to tell within {Limit}.")]
    private static partial void LogNotTold(ILogger logger, ServerId server, TimeSpan limit);
}
