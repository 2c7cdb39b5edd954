using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Services;

/// <summary>
/// Checks of the metadata, one at a time, by the leader: granted as a read is, so it sees all that anybody was told
/// before. Whoever began one asks how far it is.
/// </summary>
internal sealed class FsckService(RaftDriver driver, MetadataState state, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan UnaskedMax = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly ulong _firstRun = (ulong)Random.Shared.NextInt64();
    private FsckRun? _run;
    private ulong _runs;
    private volatile bool _isStopping;

    /// <summary>Offers the service.</summary>
    public void AddTo(RpcDispatcher dispatcher) => dispatcher
        .Handle(FsckMethods.Start, StartAsync, HandlerScheduling.Inline)
        .Handle(FsckMethods.Poll, Poll, HandlerScheduling.Inline);

    /// <summary>Gives up the check that is under way, and waits until it is: before the state is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        FsckRun? run;
        lock (_gate)
        {
            _isStopping = true;
            run = _run;
        }

        if (run != null)
        {
            await run.Completion.ConfigureAwait(false);
        }
    }

    private async ValueTask<FsckReply> StartAsync(FsckStartRequest request, ServerCall call)
    {
        var left = call.TimeRemaining < TimeoutMax ? call.TimeRemaining : TimeoutMax;
        if (left <= TimeSpan.Zero)
        {
            throw new RpcException(ErrorCatalog.DeadlineExceeded, "The time was over before the check could begin.");
        }

        if (!driver.IsLeader
            || (await driver.ReadAsync(left, call.CancellationToken).ConfigureAwait(false)).Status != CallStatus.Done)
        {
            return NotLeader();
        }

        if (!state.ReadTree(0, static (view, _) => view != null))
        {
            // There is nothing yet, which will change: who asks again finds it.
            var (status, code) = Redirection.Starting;
            return new FsckReply { Status = status, Code = code };
        }

        lock (_gate)
        {
            if (_isStopping)
            {
                return NotLeader();
            }

            if (_run is { Completion.IsCompleted: false })
            {
                return new FsckReply { Status = (int)FsStatus.Busy };
            }

            _run = FsckRun.Start(_firstRun + ++_runs, state, clock, MayGoOn);
            return _run.Ask(0);
        }
    }

    private ValueTask<FsckReply> Poll(FsckPollRequest request, ServerCall call)
    {
        var run = _run;
        return new ValueTask<FsckReply>(run != null && run.Id == request.Run
            ? run.Ask(request.Known) : new FsckReply { Status = (int)FsStatus.Stale });
    }

    // Between two steps, on the thread of the check, which may be before it is in the field.
    private bool MayGoOn(FsckRun run) => !_isStopping && driver.IsLeader && run.Unasked <= UnaskedMax;

    private FsckReply NotLeader()
    {
        var (status, code, leader) = Redirection.Of(driver);
        return new FsckReply { Status = status, Code = code, Leader = leader };
    }
}
