using DistFS.Metadata.Chunks;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>What repair may cost.</summary>
public sealed record RepairOptions
{
    /// <summary>
    /// Copies that a server takes part in at once, as source or target, if they are small: each waits for a heartbeat
    /// to be told, so few at a time would be few in a second.
    /// </summary>
    public int InFlightMax { get; init; } = 64;

    /// <summary>
    /// Bytes of them: eight full chunks. At the least rate that servers go down to (8 MiB/s) they take 64 s, less than
    /// each of them has; with four, servers wait for orders between them.
    /// </summary>
    public long InFlightBytesMax { get; init; } = 8L * ChunkLayout.ChunkBytes;

    /// <summary>
    /// What a server sends and receives for copies, per second, when no client feels it: what a link of 10 Gbit/s
    /// takes. What clients feel is watched there, four times a second, by the servers themselves.
    /// </summary>
    public long BytesPerSecondMax { get; init; } = 1L << 30;

    /// <summary>What it sends and receives whatever clients feel: data at risk must not wait for ever.</summary>
    public long BytesPerSecondMin { get; init; } = 4L << 20;

    /// <summary>Above this clients feel too much (their latency, in percent of what it is without repair).</summary>
    public int LatencyPercentMax { get; init; } = 200;

    /// <summary>Below this there may be more of it.</summary>
    public int LatencyPercentGood { get; init; } = 150;

    /// <summary>
    /// A copy has so long to end, and a second more for every <see cref="CopySlowestBytesPerSecond"/> of it.
    /// </summary>
    public long CopyTimeoutMs { get; init; } = 30_000;

    /// <summary>Slower than this, a copy hangs.</summary>
    public long CopySlowestBytesPerSecond { get; init; } = 1L << 20;

    /// <summary>Waiting before the second attempt; doubled for each one more.</summary>
    public long RetryMs { get; init; } = 1_000;

    /// <summary>Longest wait, also of what cannot be done with the servers there are.</summary>
    public long RetryMsMax { get; init; } = 60_000;

    /// <summary>Removals that are told in one tick, at most.</summary>
    public int RemovalsPerTickMax { get; init; } = 1_000;

    /// <summary>A removal that was told and is not seen after this is told again.</summary>
    public long RemovalRepeatMs { get; init; } = 30_000;

    /// <summary>
    /// Chunks that are remembered, about 300 bytes each. Beyond it the least urgent are forgotten, and found again by
    /// another scan.
    /// </summary>
    public int ChunksMax { get; init; } = 1 << 17;

    /// <summary>Least time between two scans for what was forgotten.</summary>
    public long ScanAgainMs { get; init; } = 60_000;

    /// <summary>Says what is wrong with these.</summary>
    /// <exception cref="ArgumentException">One of them is out of range.</exception>
    public void Validate()
    {
        Require(InFlightMax is >= 1 and <= 1024, "InFlightMax from 1 to 1,024");
        Require(InFlightBytesMax >= ChunkLayout.ChunkBytes, "InFlightBytesMax from one chunk");
        Require(BytesPerSecondMin >= 1, "BytesPerSecondMin from 1");
        Require(
            BytesPerSecondMax >= BytesPerSecondMin && BytesPerSecondMax <= 1L << 40,
            "BytesPerSecondMax from BytesPerSecondMin to 1 TiB");
        Require(LatencyPercentGood >= 100, "LatencyPercentGood from 100");
        Require(LatencyPercentMax > LatencyPercentGood, "LatencyPercentMax above LatencyPercentGood");
        Require(CopyTimeoutMs >= 1 && CopySlowestBytesPerSecond >= 1, "CopyTimeoutMs and its rate from 1");
        Require(RetryMs >= 1 && RetryMsMax >= RetryMs, "RetryMs from 1 to RetryMsMax");
        Require(RemovalsPerTickMax >= 1 && RemovalRepeatMs >= 1, "RemovalsPerTickMax and RemovalRepeatMs from 1");
        Require(ChunksMax >= 1 && ScanAgainMs >= 1, "ChunksMax and ScanAgainMs from 1");
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new ArgumentException($"Set {what}.");
        }
    }
}
