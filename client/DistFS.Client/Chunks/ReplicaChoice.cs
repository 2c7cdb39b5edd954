using System.Collections.Concurrent;
using DistFS.Primitives;

namespace DistFS.Client.Chunks;

/// <summary>
/// Which of a chunk's servers is asked first, when a second one is asked too, and how often (docs/design/client.md,
/// "Reading"). Any thread.
/// </summary>
/// <param name="distanceOf">How far a server is: 0 for this host, 1 for this rack, 2 for all others.</param>
/// <param name="clock">Time.</param>
internal sealed class ReplicaChoice(Func<ChunkServerAddress, int> distanceOf, TimeProvider clock)
{
    /// <summary>Of all reads so many have a second request at most, beyond a few at the beginning.</summary>
    public const double HedgesPerRead = 0.05;

    private const int HedgesAtOnce = 8;
    private const int Beyond = 3;

    /// <summary>Before anything is known of a class of reads.</summary>
    private static readonly TimeSpan DelayUnknown = TimeSpan.FromMilliseconds(100);

    /// <summary>A server that was slower than another, asked later, is asked last for so long.</summary>
    private static readonly TimeSpan SlowFor = TimeSpan.FromSeconds(1);

    private readonly RecentTimes[] _times = [new(), new(), new()];
    private readonly ConcurrentDictionary<uint, long> _slowSince = [];

    // In parts of a request, so that it can be counted without a lock.
    private long _budget = (long)(HedgesAtOnce / HedgesPerRead);
    private long _reads;
    private long _hedges;
    private long _won;
    private long _lostBytes;

    /// <summary>Reads that could have had a second request.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>Whether there are second requests.</summary>
    public bool Hedges { get; init; } = true;

    /// <summary>Second requests.</summary>
    public long Sent => Interlocked.Read(ref _hedges);

    /// <summary>Second requests that were answered before the first.</summary>
    public long Won => Interlocked.Read(ref _won);

    /// <summary>Bytes that had come of requests that were cancelled, since the other was answered.</summary>
    public long LostBytes => Interlocked.Read(ref _lostBytes);

    /// <summary>The server to ask as the n-th: the nearest first, those that are slow at the moment last.</summary>
    /// <param name="target">The chunk.</param>
    /// <param name="start">Of servers that are equally far, that which is first: readers spread over them.</param>
    /// <param name="n">From 0 on.</param>
    public ChunkServerAddress At(ChunkTarget target, int start, int n)
    {
        var count = target.Servers.Count;
        for (var distance = 0; distance <= Beyond; distance++)
        {
            for (var i = 0; i < count; i++)
            {
                var server = target.Servers[(start + i) % count];
                if (Math.Min(IsSlow(server.Id) ? Beyond : distanceOf(server), Beyond) == distance && n-- == 0)
                {
                    return server;
                }
            }
        }

        // One became slow, or fast again, while it was counted.
        return target.Servers[start % count];
    }

    /// <summary>A read begins.</summary>
    /// <param name="blocks">Of how many blocks; 0 for a range of one.</param>
    /// <returns>After this, if nothing has come, another server is asked too.</returns>
    public TimeSpan Begin(uint blocks)
    {
        Interlocked.Increment(ref _reads);
        if (Interlocked.Read(ref _budget) < (long)(HedgesAtOnce / HedgesPerRead))
        {
            Interlocked.Increment(ref _budget);
        }

        return ClassOf(blocks).P95 ?? DelayUnknown;
    }

    /// <summary>A read was answered, by the first server that was asked.</summary>
    public void Note(uint blocks, TimeSpan took) => ClassOf(blocks).Note(took);

    /// <summary>Whether there may be one more second request.</summary>
    public bool TryHedge()
    {
        const long Price = (long)(1 / HedgesPerRead);
        if (!Hedges)
        {
            return false;
        }

        if (Interlocked.Add(ref _budget, -Price) < 0)
        {
            Interlocked.Add(ref _budget, Price);
            return false;
        }

        Interlocked.Increment(ref _hedges);
        return true;
    }

    /// <summary>The second request was answered first.</summary>
    public void Lost(ServerId slow)
    {
        Interlocked.Increment(ref _won);
        _slowSince[slow.Value] = clock.GetTimestamp();
    }

    /// <summary>What had come of a request that nobody wants any more.</summary>
    public void Wasted(int bytes) => Interlocked.Add(ref _lostBytes, bytes);

    private bool IsSlow(ServerId server) => !_slowSince.IsEmpty
        && _slowSince.TryGetValue(server.Value, out var since) && clock.GetElapsedTime(since) < SlowFor;

    private RecentTimes ClassOf(uint blocks) => _times[blocks switch { 0 => 0, <= 4 => 1, _ => 2 }];

    /// <summary>The 95th percentile of the last 128 times.</summary>
    private sealed class RecentTimes
    {
        private const int Kept = 128;
        private const int Enough = 16;

        /// <summary>Below, timers and other programs decide, and not servers.</summary>
        private static readonly TimeSpan Min = TimeSpan.FromMilliseconds(5);

        private readonly Lock _gate = new();
        private readonly long[] _ticks = new long[Kept];
        private readonly long[] _sorted = new long[Kept];
        private long _count;
        private long _p95;

        public TimeSpan? P95 => Interlocked.Read(ref _p95) is > 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;

        public void Note(TimeSpan took)
        {
            if (!_gate.TryEnter())
            {
                // Those that are noted are a fair choice.
                return;
            }

            try
            {
                _ticks[_count++ % Kept] = took.Ticks;
                if (_count % Enough == 0)
                {
                    var count = (int)Math.Min(_count, Kept);
                    Array.Copy(_ticks, _sorted, count);
                    Array.Sort(_sorted, 0, count);
                    Interlocked.Exchange(ref _p95, Math.Max(Min.Ticks, _sorted[count * 95 / 100]));
                }
            }
            finally
            {
                _gate.Exit();
            }
        }
    }
}
