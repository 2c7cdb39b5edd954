using DistFS.Primitives;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>Where the queue has an entry.</summary>
internal enum EntryPlace
{
    /// <summary>Nowhere: it waits for a copy that is under way, or a removal.</summary>
    Idle,

    /// <summary>In the queue of its class.</summary>
    Queued,

    /// <summary>It cannot be done now, and is looked at again later.</summary>
    Parked,
}

/// <summary>A chunk that needs something.</summary>
internal sealed class RepairEntry(in ChunkInfo chunk)
{
    /// <summary>The chunk as last told.</summary>
    public ChunkInfo Chunk { get; set; } = chunk;

    /// <summary>
    /// What it needs; what it needed last if it is idle. While it is queued, the queue that it is in: only the queue
    /// sets it, which counts by it.
    /// </summary>
    public RepairClass Class { get; set; }

    /// <summary>Where it is.</summary>
    public EntryPlace Place { get; set; }

    /// <summary>Its place in a queue; one with another number is an old one.</summary>
    public ulong Ticket { get; set; }

    /// <summary>Copies of it that are under way: to different servers.</summary>
    public List<CopyAssignment> Flights { get; } = new(1);

    /// <summary>Copies that failed since the last that did not.</summary>
    public int Failures { get; set; }

    /// <summary>The ends of the copy that failed last: others are tried first.</summary>
    public (ServerId Source, ServerId Target) Avoid { get; set; }

    /// <summary>
    /// A replica whose removal was told; zero for none. It counts as gone until the record shows whether it is, since
    /// the removal may be done at any time.
    /// </summary>
    public ServerId Removing { get; set; }

    /// <summary>When that was told last.</summary>
    public long RemovalToldMs { get; set; }

    /// <summary>Whether a copy or a removal was told and has not ended.</summary>
    public bool IsUnderWay => Flights.Count > 0 || Removing.Value != 0;

    /// <summary>What the balancer wants: zero, or the ends of a move that is not yet under way.</summary>
    public (ServerId From, ServerId To) Move { get; set; }

    /// <summary>The replica to remove first when there are too many: that which was moved.</summary>
    public ServerId Moved { get; set; }

    /// <summary>Bytes that are still to be copied, without those under way.</summary>
    public long PendingBytes { get; set; }

    /// <summary>No replica of it can be read.</summary>
    public bool IsUnavailable { get; set; }
}
