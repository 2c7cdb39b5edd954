using DistFS.Metadata.Leases;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Leases;

/// <content>What sessions ask for.</content>
internal sealed partial class LeaseKeeper
{
    // Renewing is an entry of the log: not with every recall.
    private const int RenewalsPerLease = 8;

    // While others end one after the other.
    private const int FoundAttemptsMax = 16;

    // What is granted is not kept back for what is not: its holder could neither use it nor answer for it.
    private static readonly TimeSpan TogetherMax = TimeSpan.FromMilliseconds(100);

    /// <summary>What a client is told, as of now.</summary>
    public LeaseStatus Answer(LeaseRefusal refusal) => Answer(refusal, WritesEnded.Epoch);

    /// <summary>What a client is told of an epoch.</summary>
    public LeaseStatus Answer(LeaseRefusal refusal, ulong epoch)
    {
        var code = refusal switch
        {
            LeaseRefusal.Grace => ErrorCatalog.LeaseGrace,
            LeaseRefusal.TooManyLeases => ErrorCatalog.LeasesTooMany,
            LeaseRefusal.NotLeader => ErrorCatalog.NotLeader,
            LeaseRefusal.NoSession => ErrorCatalog.SessionEnded,
            LeaseRefusal.TooLate => ErrorCatalog.LeaseEpoch,
            LeaseRefusal.NotDeclared => ErrorCatalog.LeasesNotDeclared,
            _ => ErrorCatalog.LeaseHeld,
        };
        var answer = new LeaseStatus { Epoch = epoch };
        if (refusal != LeaseRefusal.None)
        {
            (answer.Status, answer.Code) = ((int)code.Status, code.Number);
            answer.Leader = refusal == LeaseRefusal.NotLeader ? Redirection.Of(_driver).Leader : null;
        }

        return answer;
    }

    /// <summary>The table knows a session, if the state does.</summary>
    public async ValueTask<LeaseRefusal> JoinAsync(ClientId session, TimeSpan limit, CancellationToken cancellation)
    {
        if (!await BeginAsync(limit, cancellation).ConfigureAwait(false))
        {
            return LeaseRefusal.NotLeader;
        }

        lock (_gate)
        {
            if (_table.Knows(session))
            {
                return LeaseRefusal.None;
            }
        }

        // Who leads no more, and has not heard of that, has not heard of a new session either.
        var read = await _driver.ReadAsync(limit, cancellation).ConfigureAwait(false);
        return read.Status == CallStatus.Done ? Found(session, isKept: false) : LeaseRefusal.NotLeader;
    }

    /// <summary>
    /// Enters acquisitions together, and waits until each has passed or ended, or the first has passed a moment ago:
    /// then the others end. Those that passed have a lease that must not be told before a ReadIndex.
    /// </summary>
    public async ValueTask AcquireAsync(
        IReadOnlyList<LeaseTicket> tickets, long waitMs, CancellationToken cancellation)
    {
        var batch = new LeaseBatch(tickets);
        lock (_gate)
        {
            foreach (var ticket in tickets)
            {
                (ticket.Owner, ticket.WaitMs) = (batch, waitMs);
                _table.Enter(ticket, NowMs);
            }

            batch.Look();
            Dispatch();
        }

        try
        {
            await batch.First.WaitAsync(cancellation).ConfigureAwait(false);
            await batch.All.WaitAsync(TogetherMax, _clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            GiveUp(tickets);
        }
        catch (OperationCanceledException)
        {
            GiveBack(tickets);
            throw;
        }
    }

    /// <summary>What was acquired is told to its client: from now on it has to answer for it.</summary>
    public void Told(IEnumerable<LeaseTicket> tickets)
    {
        lock (_gate)
        {
            foreach (var ticket in tickets)
            {
                _table.Told(ticket, NowMs);
            }

            Dispatch();
        }
    }

    /// <summary>What was acquired is not told to its client, which may have had less of it: it is recalled.</summary>
    public void GiveBack(IEnumerable<LeaseTicket> tickets)
    {
        foreach (var ticket in tickets)
        {
            GiveBack(ticket);
        }
    }

    /// <summary>A session gives leases up.</summary>
    public LeaseRefusal Release(ReleaseLeasesRequest request)
    {
        lock (_gate)
        {
            if (!IsCurrent)
            {
                return LeaseRefusal.NotLeader;
            }

            if (request.Epoch != _table.Epoch)
            {
                return LeaseRefusal.TooLate;
            }

            foreach (var released in request.Released)
            {
                _table.Release(
                    new ClientId(request.Client),
                    new InodeId(released.Inode),
                    released.Grant,
                    released.Keep == (uint)LeaseMode.Read ? LeaseMode.Read : LeaseMode.None);
            }

            Dispatch();
            return LeaseRefusal.None;
        }
    }

    /// <summary>A session has leases of the leader before.</summary>
    public LeaseRefusal Reclaim(ReclaimLeasesRequest request, ReclaimLeasesReply reply)
    {
        lock (_gate)
        {
            if (!IsCurrent)
            {
                return LeaseRefusal.NotLeader;
            }

            if (request.Epoch != _table.Epoch)
            {
                return LeaseRefusal.TooLate;
            }

            var session = new ClientId(request.Client);
            foreach (var held in request.Held)
            {
                var mode = held.Kind <= (uint)LeaseMode.Write ? (LeaseMode)held.Kind : LeaseMode.None;
                var answer = Answer(_table.Reclaim(session, new InodeId(held.Inode), mode, out var grant));
                reply.Reclaimed.Add(new ReclaimLeasesReply.Types.Reclaimed
                {
                    Status = answer.Status,
                    Code = answer.Code,
                    Grant = grant,
                });
            }

            if (request.Done)
            {
                _table.ReclaimDone(session);
            }

            Dispatch();
            return LeaseRefusal.None;
        }
    }

    /// <summary>
    /// A session is alive: a keep-alive is applied, unless one was a moment ago. True: its client counts its lease time
    /// anew.
    /// </summary>
    public async ValueTask<(LeaseRefusal Refusal, bool IsRenewed)> RenewAsync(ClientId session)
    {
        ulong epoch;
        lock (_gate)
        {
            epoch = _table.Epoch;
            if (!IsCurrent)
            {
                // In no term of ours: it would be proposed in whatever comes.
                return (LeaseRefusal.NotLeader, false);
            }

            if (_waits.TryGetValue(session.Value, out var wait) && wait.Kept.Epoch == epoch
                && NowMs - wait.Kept.AtMs < wait.LeaseMs / RenewalsPerLease)
            {
                return (LeaseRefusal.None, false);
            }
        }

        var reply = await ProposeAsync(
            new MetadataCommand { Client = session.Value, KeepAlive = new KeepAliveRequest() }, epoch)
            .ConfigureAwait(false);
        if (reply == null)
        {
            return (LeaseRefusal.NotLeader, false);
        }

        if (reply.Status != 0)
        {
            Ended(session);
            return (LeaseRefusal.NoSession, false);
        }

        var refusal = Found(session, isKept: true);
        return (refusal, refusal == LeaseRefusal.None);
    }

    /// <summary>
    /// Waits until a session has recalls that it has not seen, or has to reclaim; at most a third of its lease time.
    /// The reply is whole, and of one moment.
    /// </summary>
    public async ValueTask WaitForRecallsAsync(
        WaitForRecallsRequest request, WaitForRecallsReply reply, TimeSpan limit, CancellationToken cancellation)
    {
        var session = new ClientId(request.Client);
        Task? woken = null;
        var waitMs = 0L;
        lock (_gate)
        {
            if (!Gather(session, request, reply) && _waits.TryGetValue(session.Value, out var wait))
            {
                woken = wait.Next();
                waitMs = Math.Min(wait.LeaseMs / 3, (long)limit.TotalMilliseconds);
            }
        }

        if (woken == null || waitMs <= 0)
        {
            return;
        }

        try
        {
            await woken.WaitAsync(TimeSpan.FromMilliseconds(waitMs), _clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Nothing came: that is told too.
        }

        lock (_gate)
        {
            Gather(session, request, reply);
        }
    }

    /// <summary>Under the lock: what there is to tell, and as of when; false: nothing.</summary>
    private bool Gather(ClientId session, WaitForRecallsRequest request, WaitForRecallsReply reply)
    {
        reply.Status = Answer(IsCurrent ? LeaseRefusal.None : LeaseRefusal.NotLeader, _table.Epoch);
        if (reply.Status.Status != 0)
        {
            return true;
        }

        var isNews = request.Epoch != _table.Epoch;
        var recalls = new List<LeaseRecall>();
        _table.Recalls(session, isNews ? 0 : request.Seen, LeaseService.ReleasedMax, recalls);
        foreach (var recall in recalls)
        {
            reply.Recalls.Add(new WaitForRecallsReply.Types.Recall
            {
                Number = recall.Number,
                Inode = recall.Inode.Value,
                Grant = recall.Grant,
                Keep = (uint)recall.To,
            });
        }

        reply.Reclaim = _table.MayReclaim(session);
        return isNews || recalls.Count > 0;
    }

    private void GiveUp(IReadOnlyList<LeaseTicket> tickets)
    {
        lock (_gate)
        {
            foreach (var ticket in tickets)
            {
                _table.GiveUp(ticket);
            }

            Dispatch();
        }
    }

    /// <summary>The state has the session, in whose time it is renewed; or it has not.</summary>
    /// <param name="session">Which.</param>
    /// <param name="isKept">A keep-alive was applied for it: only that is told to be one.</param>
    private LeaseRefusal Found(ClientId session, bool isKept)
    {
        for (var attempt = 0; attempt < FoundAttemptsMax; attempt++)
        {
            long ends;
            lock (_gate)
            {
                ends = _sessionsEnded;
            }

            var (holder, isThere) = _state.Read(session, static (store, session) =>
                (LeaseHolders.Find(store, session, out var isThere), isThere));
            if (holder is not { } found)
            {
                return isThere ? LeaseRefusal.NotDeclared : LeaseRefusal.NoSession;
            }

            lock (_gate)
            {
                if (!IsCurrent)
                {
                    // The state has it: it is only not ours to say so.
                    return LeaseRefusal.NotLeader;
                }

                if (ends == _sessionsEnded)
                {
                    return Renewed(session, found, isKept);
                }
            }

            // One has ended since the state was read, perhaps this: its leases are gone, and it must not hear that they
            // live.
        }

        return LeaseRefusal.NotInTime;
    }

    /// <summary>Under the lock.</summary>
    private LeaseRefusal Renewed(ClientId session, LeaseHolder found, bool isKept)
    {
        _table.Renewed(session, found.LeaseMs, NowMs);
        if (!_waits.TryGetValue(session.Value, out var wait))
        {
            _waits[session.Value] = wait = new RecallWait();
        }

        wait.LeaseMs = (long)found.LeaseMs;
        if (isKept)
        {
            wait.Kept = (_table.Epoch, NowMs);
        }

        // One that ended early and has begun again waits until the leases of the first are over.
        return _table.Knows(session) ? LeaseRefusal.None : LeaseRefusal.NotInTime;
    }

    /// <summary>A session's call that waits for recalls; under the keeper's lock.</summary>
    private sealed class RecallWait
    {
        private TaskCompletionSource? _woken;

        /// <summary>When a keep-alive was applied last, and in which epoch; 0: none was.</summary>
        public (ulong Epoch, long AtMs) Kept { get; set; }

        public long LeaseMs { get; set; }

        /// <summary>A new call; the one before, if it still waits, ends.</summary>
        public Task Next()
        {
            Wake();
            _woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _woken.Task;
        }

        public void Wake()
        {
            _woken?.TrySetResult();
            _woken = null;
        }
    }
}
