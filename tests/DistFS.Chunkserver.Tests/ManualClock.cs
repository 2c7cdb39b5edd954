namespace DistFS.Chunkserver.Tests;

/// <summary>A clock that a test moves.</summary>
internal sealed class ManualClock : TimeProvider
{
    private long _ms = 1;

    public override long TimestampFrequency => 1_000;

    public override long GetTimestamp() => Interlocked.Read(ref _ms);

    public void Move(TimeSpan by) => Interlocked.Add(ref _ms, (long)by.TotalMilliseconds);
}
