namespace DistFS.Metadata.Placement;

/// <summary>How even a cluster is kept, and at what cost.</summary>
public sealed record BalancerOptions
{
    /// <summary>What may be moved per second, over the whole cluster.</summary>
    public long BytesPerSecond { get; init; } = 256L << 20;

    /// <summary>
    /// A server within so many percent of its share is left alone. One that is not is brought to within half of it,
    /// so that small changes do not set it off again.
    /// </summary>
    public int BandPercent { get; init; } = 5;

    /// <summary>The least band: two whole chunks, or single chunks would be moved to and fro.</summary>
    public long BandBytesMin { get; init; } = 128L << 20;

    /// <summary>Says what is wrong with these.</summary>
    /// <exception cref="ArgumentException">One of them is out of range.</exception>
    public void Validate()
    {
        if (BytesPerSecond is < 1 or > 1L << 42 || BandPercent is < 1 or > 50 || BandBytesMin < 1)
        {
            throw new ArgumentException(
                "Set BytesPerSecond from 1 byte to 4 TiB, BandPercent from 1 to 50, BandBytesMin from 1.");
        }
    }
}
