using DistFS.Metadata.Leases;
using DistFS.Metadata.Locks;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Metaserver.Locks;

/// <summary>Tells those who wait for a lock when they have it (docs/design/metadata.md, "Locks").</summary>
internal sealed class LockService(RaftDriver driver, MetadataState state, LockWaits waits)
{
    /// <summary>Then he asks again: a leader that nobody follows, and that does not know it, holds up nobody.</summary>
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(3);

    /// <summary>Offers the method.</summary>
    public void AddTo(RpcDispatcher dispatcher) =>
        dispatcher.Handle(MetadataMethods.WaitForLock, WaitForLockAsync, HandlerScheduling.Inline);

    private async ValueTask<WaitForLockReply> WaitForLockAsync(WaitForLockCall request, ServerCall call)
    {
        if (!driver.IsLeader)
        {
            var (status, code, leader) = Redirection.Of(driver);
            return new WaitForLockReply { Status = status, Code = code, Leader = leader };
        }

        var who = new LockWaiter(
            new InodeId(request.Inode),
            (LockKind)request.Kind,
            new LockOwner(new ClientId(request.Client), request.Owner),
            request.Number);
        var told = waits.Enter(who);
        try
        {
            // Entered first: what was granted before that is seen here, what is granted later is told.
            var isWaiting = state.ReadTree(who, static (view, who) =>
                view?.WaitsForLock(who.Inode, who.Kind, who.Owner, who.Number) == true);
            var limit = 0.75 * call.TimeRemaining;
            if (!isWaiting)
            {
                return new WaitForLockReply();
            }

            var token = await told.Task
                .WaitAsync(limit < WaitMax ? limit : WaitMax, TimeProvider.System, call.CancellationToken)
                .ConfigureAwait(false);
            return IsThere(who.Owner.Client)
                ? new WaitForLockReply { IsGranted = true, Token = token } : new WaitForLockReply();
        }
        catch (TimeoutException)
        {
            return new WaitForLockReply { IsWaiting = true };
        }
        finally
        {
            waits.Leave(who, told);
        }
    }

    /// <summary>
    /// One that has ended may be granted what it waited for before its locks are taken away, step by step: it has none.
    /// </summary>
    private bool IsThere(ClientId session) => state.Read(session, static (store, session) =>
    {
        LeaseHolders.Find(store, session, out var isThere);
        return isThere;
    });
}
