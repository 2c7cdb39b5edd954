using System.Collections.Concurrent;
using DistFS.Metadata.Placement.Repair;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// All that a leader keeps of chunk servers in memory, for the term that it leads in. None of it decides anything: it
/// is made from the rows again by the next leader, or by this one in its next term, since others may have led between.
/// </summary>
internal sealed class ChunkLead(ulong term, LiveServers servers)
{
    /// <summary>What servers reported and nobody has looked at, at most.</summary>
    private const int ReportsMax = 1 << 16;

    private long _unknown;
    private volatile RepairStatus? _status;
    private volatile bool _areRowsOld;

    /// <summary>The term; never 0.</summary>
    public ulong Term { get; } = term;

    /// <summary>The servers.</summary>
    public LiveServers Servers { get; } = servers;

    /// <summary>Ends of copies, as reported.</summary>
    public ConcurrentQueue<(ServerId Server, CopyResult Result)> Results { get; } = [];

    /// <summary>Losses, as reported.</summary>
    public ConcurrentQueue<LossReport> Lost { get; } = [];

    /// <summary>What repair may send and receive at a server, in bytes per second.</summary>
    public ConcurrentDictionary<ServerId, long> Rates { get; } = [];

    /// <summary>How far repair is; null before it is known.</summary>
    public RepairStatus? Status
    {
        get => _status;
        set => _status = value;
    }

    /// <summary>The rows of servers, and the unit of the ring, are to be read again.</summary>
    public bool AreRowsOld
    {
        get => _areRowsOld;
        set => _areRowsOld = value;
    }

    /// <summary>Copies that nothing explains.</summary>
    public long Unknown => Interlocked.Read(ref _unknown);

    /// <summary>Whether more reports may be taken.</summary>
    public bool HasRoom => Results.Count + Lost.Count < ReportsMax;

    /// <summary>Counts copies that nothing explains.</summary>
    public void CountUnknown(int copies) => Interlocked.Add(ref _unknown, copies);
}
