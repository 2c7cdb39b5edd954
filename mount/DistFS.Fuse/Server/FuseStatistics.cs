using System.Numerics;

namespace DistFS.Fuse;

/// <summary>
/// What a server answered so far, by what was asked. To count costs two looks at the clock and a few additions for a
/// request. Any thread.
/// </summary>
public sealed class FuseStatistics
{
    /// <summary>Higher than any opcode of the table.</summary>
    private const int OpcodesMax = 64;

    private readonly Counts?[] _counts = new Counts?[OpcodesMax];

    /// <summary>The figures of all operations that were asked for, by opcode.</summary>
    public IReadOnlyList<FuseOperationFigures> Snapshot()
    {
        var figures = new List<FuseOperationFigures>();
        for (var i = 0; i < OpcodesMax; i++)
        {
            if (Volatile.Read(ref _counts[i]) is { } counts)
            {
                figures.Add(counts.Read((Opcode)i));
            }
        }

        return figures;
    }

    /// <summary>A request was answered.</summary>
    internal void Answered(Opcode opcode, bool wasDeferred, bool hasFailed, long bytes, TimeSpan took)
    {
        if ((uint)opcode >= OpcodesMax)
        {
            return;
        }

        var counts = Volatile.Read(ref _counts[(int)opcode])
            ?? Interlocked.CompareExchange(ref _counts[(int)opcode], new Counts(), null)
            ?? _counts[(int)opcode]!;
        counts.Add(wasDeferred, hasFailed, bytes, took);
    }

    private sealed class Counts
    {
        // A quarter of an octave of microseconds each, the last one for all that is longer: 2^31 us are 36 minutes.
        private const int Buckets = 4 * 32;

        private readonly long[] _times = new long[Buckets];
        private long _count;
        private long _deferred;
        private long _failed;
        private long _bytes;
        private long _ticks;

        public void Add(bool wasDeferred, bool hasFailed, long bytes, TimeSpan took)
        {
            Interlocked.Increment(ref _count);
            Interlocked.Increment(ref _times[BucketOf(took.Ticks / TimeSpan.TicksPerMicrosecond)]);
            Interlocked.Add(ref _ticks, took.Ticks);
            if (wasDeferred)
            {
                Interlocked.Increment(ref _deferred);
            }

            if (hasFailed)
            {
                Interlocked.Increment(ref _failed);
            }

            if (bytes > 0)
            {
                Interlocked.Add(ref _bytes, bytes);
            }
        }

        public FuseOperationFigures Read(Opcode opcode)
        {
            // These first: each of them is counted behind the answer itself.
            var (deferred, failed) = (Interlocked.Read(ref _deferred), Interlocked.Read(ref _failed));
            long[] times = [.. _times.Select((_, i) => Interlocked.Read(ref _times[i]))];
            return new FuseOperationFigures(
                opcode,
                Interlocked.Read(ref _count),
                deferred,
                failed,
                Interlocked.Read(ref _bytes),
                new TimeSpan(Interlocked.Read(ref _ticks)),
                Quantile(times, 0.5),
                Quantile(times, 0.99));
        }

        /// <summary>The upper end of the bucket in which it is: at most a quarter too much.</summary>
        private static TimeSpan Quantile(long[] times, double share)
        {
            var left = (long)Math.Ceiling(times.Sum() * share);
            for (var i = 0; i < times.Length; i++)
            {
                left -= times[i];
                if (left <= 0)
                {
                    return TimeSpan.FromMicroseconds(UpperEndOf(i));
                }
            }

            return TimeSpan.Zero;
        }

        private static int BucketOf(long microseconds)
        {
            if (microseconds < 4)
            {
                return (int)Math.Max(0, microseconds);
            }

            var octave = BitOperations.Log2((ulong)microseconds);
            var quarter = (int)(microseconds >> (octave - 2)) & 3;
            return Math.Min(Buckets - 1, ((octave - 1) * 4) + quarter);
        }

        /// <summary>The first number of microseconds that is above a bucket.</summary>
        private static long UpperEndOf(int bucket) =>
            bucket < 4 ? bucket + 1 : (5L + (bucket & 3)) << ((bucket >> 2) - 1);
    }
}

/// <summary>What was asked of one sort, and how it was answered, since the server began.</summary>
/// <param name="Opcode">The sort.</param>
/// <param name="Count">Answers.</param>
/// <param name="Deferred">Of these, not at once: somebody else was asked.</param>
/// <param name="Failed">Of these, with an error; that there is no such name is one too.</param>
/// <param name="Bytes">Of content, read or written.</param>
/// <param name="Total">From when requests were read until they were answered, all together.</param>
/// <param name="Median">Half of them took no longer.</param>
/// <param name="Percentile99">99 of 100 took no longer.</param>
public sealed record FuseOperationFigures(
    Opcode Opcode,
    long Count,
    long Deferred,
    long Failed,
    long Bytes,
    TimeSpan Total,
    TimeSpan Median,
    TimeSpan Percentile99);
