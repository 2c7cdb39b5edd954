using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Hosting;

/// <summary>What a server does now and then: tidies stores, puts chunks to rest, tells whether it serves.</summary>
internal sealed class Housekeeping : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private const long TidyMs = 1_000;

    private readonly StoreSet _stores;
    private readonly OpenChunks _open;
    private readonly Serving _serving;
    private readonly ClusterAgent _agent;
    private readonly NodeService _node;
    private readonly TimeProvider _clock;
    private readonly Action<DistFsException> _onFailed;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _telling;
    private readonly Task _tidying;

    public Housekeeping(
        StoreSet stores,
        OpenChunks open,
        Serving serving,
        ClusterAgent agent,
        NodeService node,
        TimeProvider clock,
        Action<DistFsException> onFailed)
    {
        (_stores, _open, _serving, _agent, _node) = (stores, open, serving, agent, node);
        (_clock, _onFailed) = (clock, onFailed);
        _telling = Task.Run(() => RepeatAsync(Interval, TellAsync));
        _tidying = Task.Run(() => RepeatAsync(TimeSpan.FromMilliseconds(TidyMs), TidyAsync));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _telling.ConfigureAwait(false);
        await _tidying.ConfigureAwait(false);
        _stop.Dispose();
    }

    private Task TellAsync()
    {
        var phase = _agent.Phase;
        var progress = phase switch
        {
            AgentPhase.Registering => "looks for the leading metaserver, to register",
            AgentPhase.Positioning => "waits for the answer to its first heartbeat",
            AgentPhase.Telling => $"tells what it has: from chunk {_agent.ToldUpTo} on",
            AgentPhase.Through when !_serving.IsServing => "has not heard from the leading metaserver for too long",
            _ => "",
        };
        _node.Tell(_serving.IsServing ? NodeState.Serving : NodeState.Waiting, progress);
        return Task.CompletedTask;
    }

    private async Task TidyAsync()
    {
        _open.Rest(Environment.TickCount64);
        var nowMs = LeaderChannel.NowMs(_clock);
        foreach (var store in _stores.Stores)
        {
            try
            {
                await store.TidyAsync(nowMs, _stop.Token).ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Code == ErrorCatalog.ChunkStoreFailed
                || e.Code == ErrorCatalog.ChunkStoreFull)
            {
                // The store has said so itself, or waits for room as its writers do.
                continue;
            }
        }
    }

    private async Task RepeatAsync(TimeSpan interval, Func<Task> round)
    {
        try
        {
            using var timer = new PeriodicTimer(interval);
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                await round().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception e)
        {
            _onFailed(e as DistFsException ?? new DistFsException(
                ErrorCatalog.Internal, $"The chunk server stopped itself: {e.GetType().Name}: {e.Message}", e));
        }
    }
}
