namespace DistFS.Fuse;

/// <summary>
/// Deferred requests by their unique. Its lock also guards the interrupt of each. Nothing foreign runs under it.
/// </summary>
/// <param name="observer">Is told of requests that are too old.</param>
/// <param name="slowAfterMs">From this age on.</param>
internal sealed class FlightTable(IFuseObserver? observer, long slowAfterMs)
{
    /// <summary>
    /// Interrupts that are kept for requests that are not known. An interrupt may be read by one thread before its
    /// request, read by another, is deferred; one reader is between the two with one request, so even a thousand
    /// signals in that moment are kept. The others here came after the answer; a unique is never used twice, so they
    /// match nothing.
    /// </summary>
    private const int EarlyMax = 1024;

    private readonly Dictionary<ulong, RequestState> _requests = [];
    private readonly ulong[] _early = new ulong[EarlyMax];
    private int _earlyNext;
    private volatile bool _isEnding;

    /// <summary>Guards the table, and the interrupt of every request.</summary>
    public object Gate { get; } = new();

    /// <summary>Interrupts come from the end of the server too, from now on.</summary>
    public bool IsEnding => _isEnding;

    public int Count
    {
        get
        {
            lock (Gate)
            {
                return _requests.Count;
            }
        }
    }

    public void Add(RequestState request)
    {
        lock (Gate)
        {
            _requests[request.Header.Unique] = request;
            if (_isEnding || (_earlyNext > 0 && TakeEarly(request.Header.Unique)))
            {
                request.SetInterrupted();
            }
        }
    }

    public void Remove(RequestState request)
    {
        lock (Gate)
        {
            if (_requests.TryGetValue(request.Header.Unique, out var known) && ReferenceEquals(known, request))
            {
                _requests.Remove(request.Header.Unique);
            }

            if (_requests.Count == 0)
            {
                Monitor.PulseAll(Gate);
            }
        }
    }

    public void Interrupt(ulong unique)
    {
        CancellationTokenSource? interrupt;
        lock (Gate)
        {
            if (!_requests.TryGetValue(unique, out var request))
            {
                _early[_earlyNext++ % EarlyMax] = unique;
                _earlyNext = _earlyNext == 2 * EarlyMax ? EarlyMax : _earlyNext;
                return;
            }

            interrupt = request.SetInterrupted();
        }

        // Callbacks are foreign code: on the pool, not on a reader.
        _ = interrupt?.CancelAsync();
    }

    /// <summary>The end: everything under way is interrupted, and what comes yet.</summary>
    public void InterruptAll()
    {
        List<CancellationTokenSource> interrupts = [];
        lock (Gate)
        {
            _isEnding = true;
            foreach (var request in _requests.Values)
            {
                if (request.SetInterrupted() is { } interrupt)
                {
                    interrupts.Add(interrupt);
                }
            }
        }

        foreach (var interrupt in interrupts)
        {
            _ = interrupt.CancelAsync();
        }
    }

    /// <summary>Waits until nothing is under way.</summary>
    /// <returns>Whether that came in time.</returns>
    public bool WaitUntilEmpty(TimeSpan limit)
    {
        var until = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        lock (Gate)
        {
            while (_requests.Count > 0)
            {
                var left = until - Environment.TickCount64;
                if (left <= 0)
                {
                    return false;
                }

                Monitor.Wait(Gate, TimeSpan.FromMilliseconds(left));
            }

            return true;
        }
    }

    /// <summary>Answers what is left in the place of its handlers.</summary>
    public void AbandonAll()
    {
        lock (Gate)
        {
            foreach (var request in _requests.Values)
            {
                if (request.Abandon(Errno.ECONNABORTED))
                {
                    observer?.Defect(
                        request.Header.Opcode,
                        request.Header.Unique,
                        "The file system ended before the request was answered.",
                        null);
                }
            }

            _requests.Clear();
            Monitor.PulseAll(Gate);
        }
    }

    /// <summary>Tells the observer of requests that should have been answered by now.</summary>
    public void ReportSlow()
    {
        if (observer == null)
        {
            return;
        }

        var now = Environment.TickCount64;
        List<(Opcode Opcode, ulong Unique, long AgeMs)>? slow = null;
        lock (Gate)
        {
            foreach (var request in _requests.Values)
            {
                var age = now - request.DeferredAtMs;
                if (age >= slowAfterMs && !request.IsToldAsSlow
                    && OpcodeTable.Find(request.Header.Opcode)?.Lane != RequestLane.Wait)
                {
                    request.IsToldAsSlow = true;
                    (slow ??= []).Add((request.Header.Opcode, request.Header.Unique, age));
                }
            }
        }

        foreach (var (opcode, unique, age) in slow ?? [])
        {
            observer.Slow(opcode, unique, TimeSpan.FromMilliseconds(age));
        }
    }

    private bool TakeEarly(ulong unique)
    {
        var at = _early.AsSpan(0, Math.Min(_earlyNext, EarlyMax)).IndexOf(unique);
        if (at < 0)
        {
            return false;
        }

        _early[at] = 0;
        return true;
    }
}
