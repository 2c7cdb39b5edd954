using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <summary>What the leader knows of a chunk server beside its row; guarded by <see cref="LiveServers"/>.</summary>
internal sealed class LiveServer(ServerId id, ServerRow row)
{
    public ServerId Id { get; } = id;

    public ServerRow Row { get; set; } = row;

    /// <summary>Of which position of the log <see cref="Row"/> is; older ones do not take its place.</summary>
    public LogIndex RowAt { get; set; }

    public RackId Rack { get; set; }

    /// <summary>As last told; the row's before that.</summary>
    public long CapacityBytes { get; set; } = (long)row.CapacityBytes;

    public long UsedBytes { get; set; }

    public bool IsFull { get; set; }

    public uint Load { get; set; }

    public uint LatencyPercent { get; set; }

    /// <summary>As it told last; for people.</summary>
    public ulong DamagedBlocks { get; set; }

    /// <summary>Likewise.</summary>
    public ulong LostCopies { get; set; }

    /// <summary>
    /// Grows when it may have got something to delete; what was looked at up to <see cref="GarbageSeen"/> and found
    /// empty is not looked at again.
    /// </summary>
    public ulong GarbageTold { get; set; } = 1;

    public ulong GarbageSeen { get; set; }

    /// <summary>Copies that it is to make.</summary>
    public Dictionary<ulong, CopyOrder> Copies { get; } = [];

    /// <summary>A writer went on without it, and it was not heard of since.</summary>
    public bool IsDoubted { get; set; }
}
