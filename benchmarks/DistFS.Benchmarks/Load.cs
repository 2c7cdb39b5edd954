using System.Diagnostics;

namespace DistFS.Benchmarks;

/// <summary>Counts operations for a given time.</summary>
internal sealed class Load
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly long _end;
    private long _count;

    private Load(TimeSpan duration) => _end = _start + (long)(duration.TotalSeconds * Stopwatch.Frequency);

    public bool Running => Stopwatch.GetTimestamp() < _end;

    public double PerSecond => Interlocked.Read(ref _count) / Stopwatch.GetElapsedTime(_start).TotalSeconds;

    public long Total => Interlocked.Read(ref _count);

    public static Load Start(TimeSpan duration) => new(duration);

    public void Count() => Interlocked.Increment(ref _count);

    public void Count(long operations) => Interlocked.Add(ref _count, operations);

    /// <summary>
    /// Runs <paramref name="inFlight"/> loops side by side. A loop awaits its operations itself, since a method in
    /// between would allocate for each, and returns how many it made.
    /// </summary>
    /// <returns>Operations per second.</returns>
    public static async Task<double> RunAsync(int inFlight, TimeSpan duration, Func<Load, Task<long>> loop)
    {
        var load = Start(duration);
        await Task.WhenAll(Enumerable.Range(0, inFlight)
            .Select(_ => Task.Run(async () => load.Count(await loop(load)))));
        return load.PerSecond;
    }
}
