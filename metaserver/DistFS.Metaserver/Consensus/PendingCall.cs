using System.Threading.Tasks.Sources;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// A call that somebody awaits; reused. Whoever may end it (applying, a change of leader, the deadline, cancellation)
/// holds it together with the number of its lease, so that none can end the next call in the same object.
/// </summary>
internal sealed class PendingCall<TOutcome>(PendingCalls<TOutcome> owner) : IValueTaskSource<TOutcome>
{
    private ManualResetValueTaskSourceCore<TOutcome> _source;
    private CancellationTokenRegistration _cancellation;

    /// <summary>Twice the lease, plus one once ended.</summary>
    private int _state;

    /// <summary>Of the current lease, in time stamps.</summary>
    public long StartedAt { get; private set; }

    /// <summary>Of the current lease, in time stamps.</summary>
    public long Deadline { get; private set; }

    /// <summary>The lease of the one who calls now.</summary>
    public int Lease => Volatile.Read(ref _state) >> 1;

    /// <summary>The lease that <see cref="Deadline"/> is of.</summary>
    public int DeadlineLease { get; private set; }

    /// <summary>Begins a call, in an object that is the caller's alone.</summary>
    public void Begin(long now, long deadline) => (StartedAt, Deadline, DeadlineLease) = (now, deadline, Lease);

    /// <summary>What to await, once.</summary>
    public ValueTask<TOutcome> AsTask(CancellationToken cancellation)
    {
        var task = new ValueTask<TOutcome>(this, _source.Version);
        if (cancellation.CanBeCanceled)
        {
            _cancellation = cancellation.UnsafeRegister(
                static (state, token) =>
                {
                    var call = (PendingCall<TOutcome>)state!;
                    call.TryCancel(token);
                },
                this);
        }

        return task;
    }

    /// <summary>Whether that call has not ended.</summary>
    public bool IsWaiting(int lease) => Volatile.Read(ref _state) == lease << 1;

    /// <summary>Ends that call, unless it has ended.</summary>
    /// <param name="lease">Which.</param>
    /// <param name="outcome">How.</param>
    /// <param name="inline">On this thread, which then runs foreign code; else on the pool.</param>
    public bool TryEnd(int lease, in TOutcome outcome, bool inline = false)
    {
        if (Interlocked.CompareExchange(ref _state, (lease << 1) + 1, lease << 1) != lease << 1)
        {
            return false;
        }

        _source.RunContinuationsAsynchronously = !inline;
        _source.SetResult(outcome);
        return true;
    }

    TOutcome IValueTaskSource<TOutcome>.GetResult(short token)
    {
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            // Waits for a callback that runs just now: it must not meet the next lease.
            _cancellation.Dispose();
            _cancellation = default;
            _source.Reset();
            Volatile.Write(ref _state, (Lease + 1) << 1);
            owner.Return(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<TOutcome>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<TOutcome>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void TryCancel(CancellationToken token)
    {
        var state = Volatile.Read(ref _state);
        if ((state & 1) == 0 && Interlocked.CompareExchange(ref _state, state + 1, state) == state)
        {
            _source.RunContinuationsAsynchronously = true;
            _source.SetException(new OperationCanceledException(token));
        }
    }
}

/// <summary>The calls of one kind, at most so many at once.</summary>
internal sealed class PendingCalls<TOutcome>(int callsMax)
{
    private readonly Lock _gate = new();
    private readonly List<PendingCall<TOutcome>> _all = [];
    private readonly Stack<PendingCall<TOutcome>> _free = new();

    /// <summary>How many are under way, or ended and not yet looked at.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _all.Count - _free.Count;
            }
        }
    }

    /// <summary>A call that has begun; null when there are too many.</summary>
    public PendingCall<TOutcome>? TryBegin(long now, long deadline)
    {
        PendingCall<TOutcome>? call;
        lock (_gate)
        {
            if (!_free.TryPop(out call))
            {
                if (_all.Count == callsMax)
                {
                    return null;
                }

                call = new PendingCall<TOutcome>(this);
                _all.Add(call);
            }

            call.Begin(now, deadline);
        }

        return call;
    }

    public void Return(PendingCall<TOutcome> call)
    {
        lock (_gate)
        {
            call.Begin(0, long.MaxValue);
            _free.Push(call);
        }
    }

    /// <summary>Ends the calls whose deadline has passed; all of them at <see cref="long.MaxValue"/>.</summary>
    public void Expire(long now, TOutcome outcome)
    {
        for (var i = 0; ; i++)
        {
            PendingCall<TOutcome> call;
            int lease;
            lock (_gate)
            {
                if (i >= _all.Count)
                {
                    return;
                }

                call = _all[i];
                if (call.Deadline > now || (call.Deadline == long.MaxValue && call.StartedAt == 0))
                {
                    continue;
                }

                lease = call.DeadlineLease;
            }

            call.TryEnd(lease, outcome);
        }
    }
}
