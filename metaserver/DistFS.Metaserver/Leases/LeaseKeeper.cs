using DistFS.Metadata.Leases;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Leases;

/// <summary>
/// The leader's leases: one table under one lock, begun anew in each term that this member leads in, and what follows
/// from it done (docs/design/leases.md).
/// </summary>
internal sealed partial class LeaseKeeper : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    // Sessions that were silent for so long are looked for in the state.
    private const long SilentMs = 1_000;

    private readonly RaftDriver _driver;
    private readonly MetadataState _state;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly LeaseTable _table = new(new LeaseOptions());
    private readonly Dictionary<ulong, RecallWait> _waits = [];
    private readonly HashSet<ClientId> _toEnd = [];
    private readonly SemaphoreSlim _beginning = new(1);
    private readonly SessionEnds _ends;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopping;
    private readonly Task _loop;
    private List<LeaseTicket> _doubts = [];
    private Task _deciding = Task.CompletedTask;
    private long _lookedMs;
    private long _sessionsEnded;

    public LeaseKeeper(
        RaftDriver driver,
        MetadataState state,
        TimeProvider clock,
        ILogger logger,
        Action<DistFsException> onFailed)
    {
        (_driver, _state, _clock, _logger) = (driver, state, clock, logger);
        _stopping = _stop.Token;
        _ends = new SessionEnds(Judge, EndAsync);
        _loop = Task.Run(() => RunAsync(onFailed));
    }

    /// <summary>Whether nobody can have a write lease, so that reads need not ask for any inode.</summary>
    public bool IsReadFree
    {
        get
        {
            lock (_gate)
            {
                return IsCurrent && _table.IsReadFree;
            }
        }
    }

    /// <summary>Changes when a write lease has ended: what was read of its inode before may be old.</summary>
    public (ulong Epoch, ulong Ended) WritesEnded
    {
        get
        {
            lock (_gate)
            {
                return (_table.Epoch, _table.WritesEnded);
            }
        }
    }

    /// <summary>Sessions whose calls it keeps in mind, for tests to look at.</summary>
    internal int SessionsHeard
    {
        get
        {
            lock (_gate)
            {
                return _waits.Count;
            }
        }
    }

    private bool IsCurrent => _table.Epoch != 0 && _table.Epoch == _driver.LeadTerm;

    private long NowMs => (long)_clock.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>Waits until a ticket has what it needs, or has ended.</summary>
    /// <exception cref="OperationCanceledException">Nobody waits any more; the ticket is out.</exception>
    public async ValueTask<LeaseRefusal> EnterAsync(LeaseTicket ticket, TimeSpan limit, CancellationToken cancellation)
    {
        if (!await BeginAsync(limit, cancellation).ConfigureAwait(false))
        {
            return LeaseRefusal.NotLeader;
        }

        TaskCompletionSource? freed;
        lock (_gate)
        {
            freed = Enter(ticket, (long)limit.TotalMilliseconds);
            Dispatch();
        }

        if (freed != null)
        {
            await WaitAsync(ticket, freed.Task, cancellation).ConfigureAwait(false);
        }

        return ticket.State == LeaseTicketState.Passed ? LeaseRefusal.None : Out(ticket);
    }

    /// <summary>See <see cref="LeaseTable.TryExtend"/>.</summary>
    public bool TryExtend(LeaseTicket ticket, IReadOnlyList<LeaseNeed> more)
    {
        lock (_gate)
        {
            return _table.TryExtend(ticket, more, NowMs);
        }
    }

    /// <summary>See <see cref="LeaseTable.Leave"/>.</summary>
    public void Leave(LeaseTicket ticket)
    {
        lock (_gate)
        {
            _table.Leave(ticket);
            Dispatch();
        }
    }

    /// <summary>
    /// Nobody knows what became of an operation: it stays in flight until what is proposed after it is applied.
    /// </summary>
    public void Doubt(LeaseTicket ticket)
    {
        lock (_gate)
        {
            _doubts.Add(ticket);
        }
    }

    /// <summary>See <see cref="LeaseTable.IsWrittenByOthers"/>.</summary>
    public bool IsWrittenByOthers(ClientId session, InodeId inode)
    {
        lock (_gate)
        {
            return _table.IsWrittenByOthers(session, inode);
        }
    }

    /// <summary>Who waits is told that this member does not lead, and nobody is granted anything any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        lock (_gate)
        {
            StopTable();
        }

        _stop.Dispose();
    }

    /// <summary>
    /// The table is that of the term in which this member leads. It begins when everything of earlier terms is applied,
    /// which a ReadIndex says.
    /// </summary>
    /// <returns>False: this member does not lead.</returns>
    private async ValueTask<bool> BeginAsync(TimeSpan limit, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (IsCurrent)
            {
                return true;
            }

            if (_table.Epoch != 0)
            {
                StopTable();
            }
        }

        if (limit <= TimeSpan.Zero
            || _stopping.IsCancellationRequested
            || !await _beginning.WaitAsync(limit, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        try
        {
            var term = _driver.LeadTerm;
            if (term == 0 || _stopping.IsCancellationRequested)
            {
                return false;
            }

            lock (_gate)
            {
                if (_table.Epoch == term)
                {
                    return true;
                }
            }

            var outcome = await _driver.ReadAsync(limit < Timeout ? limit : Timeout, cancellation)
                .ConfigureAwait(false);
            if (outcome.Status != CallStatus.Done || _driver.LeadTerm != term)
            {
                return false;
            }

            var holders = _state.Read(0, static (store, _) => LeaseHolders.In(store));
            lock (_gate)
            {
                if (_stopping.IsCancellationRequested)
                {
                    return false;
                }

                _table.Begin(term, holders, NowMs);
                Dispatch();
            }

            return true;
        }
        finally
        {
            _beginning.Release();
        }
    }

    /// <summary>Under the lock: what was of one leadership is nothing in the next.</summary>
    private void StopTable()
    {
        _table.Stop();
        _doubts.Clear();
        Dispatch();
        _toEnd.Clear();
        foreach (var wait in _waits.Values)
        {
            wait.Wake();
        }

        _waits.Clear();
    }

    /// <summary>Under the lock. Null: it does not wait.</summary>
    private TaskCompletionSource? Enter(LeaseTicket ticket, long waitMs)
    {
        ticket.WaitMs = waitMs;
        _table.Enter(ticket, NowMs);
        if (ticket.State != LeaseTicketState.Waiting)
        {
            return null;
        }

        var freed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ticket.Owner = freed;
        return freed;
    }

    private async ValueTask WaitAsync(LeaseTicket ticket, Task freed, CancellationToken cancellation)
    {
        try
        {
            await freed.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            GiveBack(ticket);
            throw;
        }
    }

    /// <summary>A ticket is out, and a lease that it has, if it has one after all, is recalled.</summary>
    private void GiveBack(LeaseTicket ticket)
    {
        lock (_gate)
        {
            _table.Withdraw(ticket);
            _table.Leave(ticket);
            Dispatch();
        }
    }

    private LeaseRefusal Out(LeaseTicket ticket)
    {
        var refusal = ticket.Refusal;
        Leave(ticket);
        return refusal;
    }

    /// <summary>Under the lock, after each call of the table: who waits goes on on another thread.</summary>
    private void Dispatch()
    {
        var effects = _table.Effects;
        if (!effects.Any)
        {
            return;
        }

        foreach (var ticket in effects.Freed)
        {
            if (ticket.Owner is LeaseBatch batch)
            {
                batch.Freed(ticket);
            }
            else
            {
                ((TaskCompletionSource)ticket.Owner!).TrySetResult();
            }
        }

        foreach (var session in effects.Recalled)
        {
            if (_waits.TryGetValue(session.Value, out var wait))
            {
                wait.Wake();
            }
        }

        _toEnd.UnionWith(effects.ToEnd);
        effects.Clear();
    }
}
