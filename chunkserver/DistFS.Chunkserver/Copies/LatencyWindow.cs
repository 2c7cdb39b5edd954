using System.Numerics;

namespace DistFS.Chunkserver.Copies;

/// <summary>
/// How long requests of clients took, by kind: as counts in buckets an eighth of a power of two wide. For one thread at
/// a time.
/// </summary>
internal sealed class LatencyWindow
{
    /// <summary>Kinds of requests, each compared with itself only: large ones take longer whatever copies do.</summary>
    public const int Kinds = 6;

    /// <summary>Of 1 ns to 2^40 ns, 18 minutes.</summary>
    public const int Buckets = 40 * PerOctave;

    private const int PerOctave = 8;
    private const int OctaveBits = 3;

    private readonly long[] _counts = new long[Kinds * Buckets];
    private readonly long[] _ofKind = new long[Kinds];

    /// <summary>Requests of all kinds.</summary>
    public long Count { get; private set; }

    /// <summary>Requests of a kind.</summary>
    public long CountOf(int kind) => _ofKind[kind];

    /// <summary>Where a time is counted.</summary>
    public static int BucketOf(long nanoseconds)
    {
        var value = (ulong)Math.Max(1 << OctaveBits, nanoseconds);
        var octave = BitOperations.Log2(value);
        return Math.Min((octave * PerOctave) + (int)((value >> (octave - OctaveBits)) & (PerOctave - 1)), Buckets - 1);
    }

    /// <summary>Counts requests.</summary>
    public void Add(int kind, int bucket, long count = 1)
    {
        _counts[(kind * Buckets) + bucket] += count;
        _ofKind[kind] += count;
        Count += count;
    }

    /// <summary>Counts those of another one too.</summary>
    public void Add(LatencyWindow other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        for (var kind = 0; kind < Kinds; kind++)
        {
            _ofKind[kind] += other._ofKind[kind];
        }

        Count += other.Count;
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        Array.Clear(_ofKind);
        Count = 0;
    }

    /// <summary>
    /// The time, in ns, that 99 of 100 requests of a kind did not exceed; 0 without any. Within a bucket they are taken
    /// to be spread evenly.
    /// </summary>
    public double Percentile99(int kind)
    {
        var left = _ofKind[kind] * 0.99;
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            var count = _counts[(kind * Buckets) + bucket];
            if (count > 0 && count >= left)
            {
                return StartOf(bucket) + ((StartOf(bucket + 1) - StartOf(bucket)) * left / count);
            }

            left -= count;
        }

        return 0;
    }

    private static double StartOf(int bucket) =>
        Math.ScaleB(1 + ((bucket % PerOctave) / (double)PerOctave), bucket / PerOctave);
}
