using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>The knobs of one disk. All are off in a new one; the fault injector turns them.</summary>
public sealed class DiskFaults
{
    private const double SlowMicrosecondsMax = 5_000_000;

    /// <summary>Probability that a sync fails: each dirty sector is then written or not, and all are called
    /// clean (Rebello et al., "Can Applications Recover from fsync Failures?").</summary>
    public double SyncError { get; set; }

    /// <summary>Probability that a write stores a part and then fails.</summary>
    public double ShortWrite { get; set; }

    /// <summary>Probability that a read fails.</summary>
    public double ReadError { get; set; }

    /// <summary>Whether no more bytes can be stored.</summary>
    public bool IsFull { get; set; }

    /// <summary>All latencies are multiplied with it; 1,000 is a disk that resets its controller.</summary>
    public double LatencyFactor { get; set; } = 1;

    /// <summary>Until then (virtual microseconds) the disk answers nothing.</summary>
    public long HangsUntil { get; set; }

    /// <summary>Mean of one sync, in microseconds.</summary>
    public double SyncMicroseconds { get; set; } = 500;

    /// <summary>
    /// How long that takes while the disk is slow, in microseconds: at most five seconds, since what began under a
    /// fault must end within the calm that follows it.
    /// </summary>
    public long Slowed(double microseconds) => (long)Math.Min(microseconds * LatencyFactor, SlowMicrosecondsMax);

    /// <summary>Turns everything off.</summary>
    public void Heal()
    {
        SyncError = ShortWrite = ReadError = 0;
        IsFull = false;
        LatencyFactor = 1;
        HangsUntil = 0;
    }

    internal static double Exponential(Prng prng, double mean) => -Math.Log(1 - prng.NextDouble()) * mean;
}
