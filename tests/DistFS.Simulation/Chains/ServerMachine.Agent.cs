using DistFS.Chunks;
using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Copies;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Simulation.Chains;

/// <content>
/// What the product's ClusterAgent and CopyRunner do around the shipped <see cref="AgentCore"/> and
/// <see cref="ChunkCopy"/>: ask, look at the disk, do.
/// </content>
internal sealed partial class ServerMachine
{
    private const long BeatMicroseconds = 1_000_000;
    private const long LookAgainMicroseconds = 200_000;

    private static readonly TimeSpan BeatTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<ulong, CancellationTokenSource> _copies = [];
    private readonly Dictionary<ulong, Task> _copying = [];
    private bool _isSwept;

    /// <summary>Copies that were made here.</summary>
    public int CopiesMade { get; private set; }

    private void StartAgent(SimulatedProcess process)
    {
        _copies.Clear();
        _copying.Clear();
        _isSwept = false;
        var core = _core;
        process.Start(() => BeatAsync(process, core));
        process.Start(() => WorkAsync(process, core));
    }

    private static IRpcCaller Leader(SimulatedProcess process) => process.Caller.To(MetaserverMachine.Address);

    private async Task BeatAsync(SimulatedProcess process, AgentCore core)
    {
        while (true)
        {
            if (core.NextHeartbeat(new ServerFacts(1UL << 40, 0, false, 0, 0, 0, 0, 0)) is { } beat)
            {
                var sentMs = process.NowMs;
                try
                {
                    var reply = await Leader(process)
                        .CallAsync(ChunkServersMethods.Heartbeat, beat.Request, BeatTimeout).ConfigureAwait(false);
                    if (reply.Answer.Status != (int)FsStatus.TryAgain)
                    {
                        Order(process, core, core.HeartbeatAnswered(beat, reply, sentMs));
                    }
                }
                catch (RpcException error)
                {
                    core.HeartbeatFailed(error.Code);
                }
            }

            MustGoOn(core);
            await process.DelayAsync(BeatMicroseconds).ConfigureAwait(false);
        }
    }

    private async Task WorkAsync(SimulatedProcess process, AgentCore core)
    {
        while (true)
        {
            var work = core.NextWork();
            try
            {
                if (work != null)
                {
                    await DoAsync(process, core, work).ConfigureAwait(false);
                    MustGoOn(core);
                    continue;
                }
            }
            catch (RpcException)
            {
                // Not answered: asked again, of what is so by then.
            }

            await process.DelayAsync(LookAgainMicroseconds).ConfigureAwait(false);
        }
    }

    private void MustGoOn(AgentCore core)
    {
        if (core.Failure is { } failure)
        {
            throw new InvariantException("a server goes on", $"{this}: {failure.Message}");
        }
    }

    private async Task DoAsync(SimulatedProcess process, AgentCore core, AgentWork work)
    {
        switch (work)
        {
            case AgentWork.Register register:
                register.Request.CapacityBytes = 1UL << 40;
                var registered = await Leader(process)
                    .CallAsync(ChunkServersMethods.Register, register.Request, AskTimeout).ConfigureAwait(false);
                RequireLeader(registered.Answer);
                process.Effect();
                if (process.IsAlive && registered.Answer.Status == 0)
                {
                    (Self, _isKnown) = (new ServerId(registered.Server), true);
                    await _store.SetOwnerAsync(_world.Cluster, Self, default).ConfigureAwait(false);
                }

                core.Registered(registered);
                break;
            case AgentWork.Page page:
                page.Request.Copies.Add(Look(page.Request.First));
                var told = await Leader(process)
                    .CallAsync(ChunkServersMethods.Inventory, page.Request, AskTimeout).ConfigureAwait(false);
                RequireLeader(told.Answer);
                if (told.Answer.Status == 0 && told.Fences.Count > 0)
                {
                    await _versions.FenceAsync(told.Fences, told.Members).ConfigureAwait(false);
                }

                Order(process, core, core.PageAnswered(page, told));
                break;
            case AgentWork.Delete delete:
                var orders = delete.Orders.Select(static order => new ChunkDeletion(
                    new ChunkId(order.Chunk), new ChunkVersion(order.Version), new CopyId(order.Copy))).ToArray();
                _versions.Close(orders);
                await _store.DeleteAsync(orders, default).ConfigureAwait(false);
                core.Deleted(delete.Orders);
                break;
            case AgentWork.Confirm confirm:
                var confirmed = await Leader(process)
                    .CallAsync(ChunkServersMethods.ConfirmDeleted, confirm.Request, AskTimeout).ConfigureAwait(false);
                RequireLeader(confirmed);
                core.ConfirmAnswered(confirm.Request, confirmed);
                break;
            default:
                throw new InvariantException("all work is known", $"{work}");
        }
    }

    private static void RequireLeader(ServerAnswer answer)
    {
        if (answer.Status == (int)FsStatus.TryAgain)
        {
            throw new RpcException(ErrorCatalog.NotLeader, "It does not lead, or not yet.");
        }
    }

    private void Order(SimulatedProcess process, AgentCore core, AgentOrders orders)
    {
        if (orders.Listed is { } listed && !_isSwept)
        {
            _isSwept = true;
            process.Start(() => SweepAsync(listed));
        }

        foreach (var order in orders.Begin)
        {
            var cancel = _copies[order.Copy] = new CancellationTokenSource();
            var before = _copying.GetValueOrDefault(order.Chunk) ?? Task.CompletedTask;
            var done = new TaskCompletionSource();
            _copying[order.Chunk] = done.Task;
            process.Start(() => CopyAsync(process, core, order, before, cancel, done));
        }

        foreach (var copy in orders.Cancel)
        {
            if (_copies.TryGetValue(copy.Value, out var cancel))
            {
                process.Cancel(cancel);
            }
        }
    }

    private async Task CopyAsync(
        SimulatedProcess process,
        AgentCore core,
        CopyOrder order,
        Task before,
        CancellationTokenSource cancel,
        TaskCompletionSource done)
    {
        await before.ConfigureAwait(false);
        var status = FsStatus.Ok;
        try
        {
            var copy = new ChunkCopy(
                order,
                new CopySource(process.Caller.To(order.SourceAddress), order),
                this,
                _open,
                new CopyRate(process.Clock));
            await copy.RunAsync(cancel.Token).ConfigureAwait(false);
            CopiesMade++;
        }
        catch (DistFsException error) when (!cancel.IsCancellationRequested)
        {
            status = error.Status == FsStatus.Ok ? FsStatus.IoError : error.Status;
        }
        catch (Exception error) when (error is OperationCanceledException or DistFsException)
        {
            status = FsStatus.Cancelled;
        }

        _world.Trace.Line($"{Name} ends the copy {order.Copy} of chunk {order.Chunk} v{order.Version}: {status}");
        _copies.Remove(order.Copy);
        core.CopyEnded(new CopyResult
        {
            Copy = order.Copy,
            Chunk = order.Chunk,
            Version = order.Version,
            Status = (int)status,
        });
        done.SetResult();
    }

    private async Task SweepAsync(IReadOnlySet<ulong> listed)
    {
        var infos = new ChunkInfo[AgentCore.PageMax];
        var count = Disk.List(default, infos);
        var left = infos.Take(count)
            .Where(info => info.State == ChunkState.Copying && !listed.Contains(info.Copy.Value))
            .Select(static info => new ChunkDeletion(info.Chunk, info.Version, info.Copy)).ToArray();
        if (left.Length > 0)
        {
            await _store.DeleteAsync(left, default).ConfigureAwait(false);
        }
    }
}
