using DistFS.Metadata;
using DistFS.Metadata.Leases;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Store;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Metaserver.Leases;

/// <summary>What clients ask about leases.</summary>
internal sealed class LeaseService(LeaseKeeper keeper, RaftDriver driver, MetadataState state)
{
    /// <summary>Most leases that one call gives up or reclaims, and most recalls of a reply.</summary>
    public const int ReleasedMax = 4_096;

    private const int WantedMax = 1_024;

    private static readonly TimeSpan TimeoutMax = TimeSpan.FromSeconds(30);

    /// <summary>Offers the service.</summary>
    public void AddTo(RpcDispatcher dispatcher) => dispatcher
        .Handle(LeaseMethods.Acquire, AcquireAsync, HandlerScheduling.Inline)
        .Handle(LeaseMethods.Release, ReleaseAsync, HandlerScheduling.Inline)
        .Handle(LeaseMethods.Reclaim, ReclaimAsync, HandlerScheduling.Inline)
        .Handle(LeaseMethods.WaitForRecalls, WaitForRecallsAsync, HandlerScheduling.Inline);

    private async ValueTask<AcquireLeasesReply> AcquireAsync(AcquireLeasesRequest request, ServerCall call)
    {
        if (request.Wanted.Count is 0 or > WantedMax)
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"A request is for 1 to {WantedMax} leases.");
        }

        var session = new ClientId(request.Client);
        var tickets = new List<LeaseTicket>(request.Wanted.Count);
        foreach (var wanted in request.Wanted)
        {
            if (wanted.Kind is not ((uint)LeaseMode.Read or (uint)LeaseMode.Write))
            {
                throw new RpcException(ErrorCatalog.BadRequest, "A lease is to read (1) or to write (2).");
            }

            var ticket = new LeaseTicket(LeaseTicketKind.Acquire, session);
            ticket.Need(
                wanted.Kind == (uint)LeaseMode.Write ? LeaseNeedKind.Change : LeaseNeedKind.Look, wanted.Inode);
            tickets.Add(ticket);
        }

        var refusal = await keeper.JoinAsync(session, Limit(call), call.CancellationToken).ConfigureAwait(false);
        if (refusal != LeaseRefusal.None)
        {
            return new AcquireLeasesReply { Status = keeper.Answer(refusal) };
        }

        var waitMs = Math.Min(request.WaitMs, (long)Limit(call).TotalMilliseconds);
        await keeper.AcquireAsync(tickets, waitMs, call.CancellationToken).ConfigureAwait(false);
        var isTold = false;
        try
        {
            // Only now: this member leads after the leases were in its table, so every leader after it begins later.
            if (!await IsLeadingAsync(call).ConfigureAwait(false) || keeper.WritesEnded.Epoch != tickets[0].Epoch)
            {
                return new AcquireLeasesReply { Status = keeper.Answer(LeaseRefusal.NotLeader) };
            }

            var reply = state.Read((session, tickets, keeper), static (store, asked) =>
                Tell(MetadataView.Open(store), store, asked.session, asked.tickets, asked.keeper));
            isTold = reply.Status.Status == 0;
            return reply;
        }
        finally
        {
            var granted = tickets.FindAll(static ticket => ticket.State == LeaseTicketState.Passed);
            keeper.Told(isTold ? granted.FindAll(static ticket => ticket.Owner is not NotThere) : []);
            keeper.GiveBack(isTold ? granted.FindAll(static ticket => ticket.Owner is NotThere) : granted);
        }
    }

    private static AcquireLeasesReply Tell(
        MetadataView? view,
        IOrderedStore store,
        ClientId session,
        List<LeaseTicket> tickets,
        LeaseKeeper keeper)
    {
        var reply = new AcquireLeasesReply { Status = keeper.Answer(LeaseRefusal.None) };
        reply.Status.Epoch = tickets[0].Epoch;
        if (view == null || LeaseHolders.Find(store, session, out _) == null)
        {
            reply.Status = keeper.Answer(LeaseRefusal.NoSession);
            return reply;
        }

        var context = new ReadContext(view.Tree, Principal.Root);
        foreach (var ticket in tickets)
        {
            var granted = new AcquireLeasesReply.Types.Granted();
            reply.Granted.Add(granted);
            if (ticket.State != LeaseTicketState.Passed)
            {
                var answer = keeper.Answer(ticket.Refusal);
                (granted.Status, granted.Code) = (answer.Status, answer.Code);
                continue;
            }

            var read = ReadOperations.Apply(context, new ReadOperation
            {
                GetAttributes = new GetAttributesRequest { Inode = ticket.Needs[0].Value },
            });
            (granted.Status, granted.Attributes) = (read.Status, read.Attributes);
            if (read.Status != 0)
            {
                ticket.Owner = NotThere.One;
                continue;
            }

            (granted.Kind, granted.Grant) = ((uint)ticket.Mode, ticket.Grant);
        }

        return reply;
    }

    private ValueTask<ReleaseLeasesReply> ReleaseAsync(ReleaseLeasesRequest request, ServerCall call)
    {
        ThrowIfTooMany(request.Released.Count);
        return new(new ReleaseLeasesReply { Status = keeper.Answer(keeper.Release(request)) });
    }

    private async ValueTask<ReclaimLeasesReply> ReclaimAsync(ReclaimLeasesRequest request, ServerCall call)
    {
        ThrowIfTooMany(request.Held.Count);
        var refusal = await keeper.JoinAsync(new ClientId(request.Client), Limit(call), call.CancellationToken)
            .ConfigureAwait(false);
        var reply = new ReclaimLeasesReply();
        refusal = refusal == LeaseRefusal.None ? keeper.Reclaim(request, reply) : refusal;

        // As with Acquire: nothing is told that a later leader may not wait for; and what is told is of one epoch.
        if (refusal == LeaseRefusal.None
            && (!await IsLeadingAsync(call).ConfigureAwait(false) || keeper.WritesEnded.Epoch != request.Epoch))
        {
            refusal = LeaseRefusal.NotLeader;
            reply.Reclaimed.Clear();
        }

        reply.Status = refusal == LeaseRefusal.None
            ? keeper.Answer(refusal, request.Epoch) : keeper.Answer(refusal);
        return reply;
    }

    private async ValueTask<WaitForRecallsReply> WaitForRecallsAsync(WaitForRecallsRequest request, ServerCall call)
    {
        var session = new ClientId(request.Client);
        var refusal = await keeper.JoinAsync(session, Limit(call), call.CancellationToken).ConfigureAwait(false);
        var reply = new WaitForRecallsReply();
        if (refusal == LeaseRefusal.None)
        {
            (refusal, reply.Renewed) = await keeper.RenewAsync(session).ConfigureAwait(false);
        }

        if (refusal == LeaseRefusal.None)
        {
            await keeper.WaitForRecallsAsync(request, reply, Limit(call), call.CancellationToken)
                .ConfigureAwait(false);
            return reply;
        }

        reply.Status = keeper.Answer(refusal);
        return reply;
    }

    private static void ThrowIfTooMany(int count)
    {
        if (count > ReleasedMax)
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"A request is of at most {ReleasedMax} leases.");
        }
    }

    private async ValueTask<bool> IsLeadingAsync(ServerCall call)
    {
        var left = Limit(call);
        return left > TimeSpan.Zero
            && (await driver.ReadAsync(left, call.CancellationToken).ConfigureAwait(false)).Status == CallStatus.Done;
    }

    /// <summary>For how long something may take, so that its answer arrives before the caller gives up.</summary>
    private static TimeSpan Limit(ServerCall call) =>
        0.75 * (call.TimeRemaining < TimeoutMax ? call.TimeRemaining : TimeoutMax);

    /// <summary>Marks what was granted of an inode that is not there.</summary>
    private sealed class NotThere
    {
        public static readonly NotThere One = new();
    }
}
