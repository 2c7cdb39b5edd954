namespace DistFS.Metadata.Placement;

/// <summary>
/// A rate of bytes: one second of it may be saved up, and something may begin while anything is left, however large it
/// is: what it takes too much is owed. So between any two times no more begins than the rate gives, one second of it,
/// and one thing.
/// </summary>
internal struct ByteBucket(long bytesPerSecond, long nowMs)
{
    private const int SavedMs = 1000;

    /// <summary>Bytes times 1,000, so that a millisecond's part of the rate is whole.</summary>
    private long _milliBytes = bytesPerSecond * SavedMs;

    private long _atMs = nowMs;

    /// <summary>What it gives from now on.</summary>
    public long BytesPerSecond { get; private set; } = bytesPerSecond;

    /// <summary>Whether something may begin.</summary>
    public readonly bool HasAny => _milliBytes > 0;

    /// <summary>Time goes on; it does not go back.</summary>
    public void Advance(long nowMs)
    {
        var elapsedMs = nowMs - _atMs;
        if (elapsedMs <= 0)
        {
            return;
        }

        _atMs = nowMs;

        // What was owed is paid by the time that has passed, however long that is; what is saved is one second's.
        var saved = (Int128)_milliBytes + ((Int128)BytesPerSecond * elapsedMs);
        _milliBytes = (long)Int128.Min(saved, (Int128)BytesPerSecond * SavedMs);
    }

    /// <summary>Something begins.</summary>
    public void Take(long bytes) => _milliBytes -= bytes * 1000;

    /// <summary>Changes the rate.</summary>
    public void SetRate(long bytesPerSecond)
    {
        BytesPerSecond = bytesPerSecond;
        _milliBytes = Math.Min(_milliBytes, bytesPerSecond * SavedMs);
    }
}
