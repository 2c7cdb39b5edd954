using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Cluster;

/// <summary>Where a server is with the leader.</summary>
internal enum AgentPhase
{
    /// <summary>It has to register: it has just started, or the leader does not know it.</summary>
    Registering,

    /// <summary>Registered. It needs the position of the log that the first heartbeat is answered with.</summary>
    Positioning,

    /// <summary>It tells what it has, page by page.</summary>
    Telling,

    /// <summary>All that it has was compared: it may serve for as long as heartbeats are answered.</summary>
    Through,

    /// <summary>It stops on purpose, and says so.</summary>
    Leaving,

    /// <summary>It must not go on: <see cref="AgentCore.Failure"/> says why.</summary>
    Over,
}

/// <summary>Who the server is, from its disk.</summary>
/// <param name="Server">Its id; zero for one that never registered.</param>
/// <param name="Store">Names its data folders.</param>
/// <param name="Run">Names this run; on its disk before it is sent.</param>
/// <param name="PreviousRun">The last run that the cluster is known to know; 0 for none.</param>
/// <param name="Address">Where clients and other servers reach it.</param>
/// <param name="Rack">Where it stands; may be empty.</param>
internal sealed record AgentIdentity(
    ServerId Server, StoreId Store, ulong Run, ulong PreviousRun, string Address, string Rack);

/// <summary>What a heartbeat tells of the server; the fields of the message say more.</summary>
internal readonly record struct ServerFacts(
    ulong CapacityBytes,
    ulong UsedBytes,
    bool IsFull,
    uint Load,
    uint LatencyPercent,
    ulong DirtyBlocks,
    ulong DamagedBlocks,
    ulong LostCopies);

/// <summary>A heartbeat to send, and in which turn it was made.</summary>
/// <param name="Request">To be sent.</param>
/// <param name="Turn">Answers to heartbeats of an earlier turn say nothing about this one.</param>
/// <param name="WasThrough">Whether the inventory was through when it was made.</param>
internal sealed record Heartbeat(HeartbeatRequest Request, int Turn, bool WasThrough);

/// <summary>What a heartbeat's reply asks for besides deletions.</summary>
/// <param name="Begin">Copies to make.</param>
/// <param name="Cancel">Copies to give up, with what there is of them.</param>
/// <param name="CopyBytesPerSecond">What copies may take and give; 0 says nothing.</param>
/// <param name="Listed">All copies that there are to be; null: nobody knows. What is left of others is to go.</param>
internal sealed record AgentOrders(
    IReadOnlyList<CopyOrder> Begin,
    IReadOnlyList<CopyId> Cancel,
    ulong CopyBytesPerSecond,
    IReadOnlySet<ulong>? Listed = null)
{
    public static readonly AgentOrders None = new([], [], 0);
}

/// <summary>What is to be done next, one after the other.</summary>
internal abstract record AgentWork
{
    private AgentWork()
    {
    }

    /// <summary>To register.</summary>
    internal sealed record Register(RegisterServerRequest Request) : AgentWork;

    /// <summary>
    /// To look at what it has from a chunk on, and to tell that: <see cref="InventoryRequest.Copies"/> and
    /// <see cref="InventoryRequest.End"/> are filled in after this was asked for, not before.
    /// </summary>
    internal sealed record Page(InventoryRequest Request, int Turn) : AgentWork;

    /// <summary>To delete these, durably.</summary>
    internal sealed record Delete(IReadOnlyList<DeleteOrder> Orders) : AgentWork;

    /// <summary>To tell that these are deleted.</summary>
    internal sealed record Confirm(ConfirmDeletedRequest Request) : AgentWork;
}
