namespace DistFS.Metadata.Placement.Repair;

/// <summary>How far repair is.</summary>
/// <param name="Queued">Chunks that wait for their turn, by <see cref="RepairClass"/>.</param>
/// <param name="Parked">Chunks for which nothing can be done with the servers as they are, or that failed.</param>
/// <param name="Unavailable">Of those, chunks without a replica that can be read.</param>
/// <param name="InFlight">Copies under way.</param>
/// <param name="PendingBytes">Bytes to copy, those under way included.</param>
/// <param name="BytesPerSecond">Copied over the last minute.</param>
/// <param name="EtaMs">Until what is known is copied; null while nothing was.</param>
/// <param name="IsComplete">Whether all is known: no scan is under way or wanted.</param>
public sealed record RepairStatus(
    IReadOnlyList<int> Queued,
    int Parked,
    int Unavailable,
    int InFlight,
    long PendingBytes,
    long BytesPerSecond,
    long? EtaMs,
    bool IsComplete);
