using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>What metaservers offer to chunk servers (<c>distfs/v1/servers.proto</c>).</summary>
public static class ChunkServersMethods
{
    /// <summary>A server begins.</summary>
    public static readonly RpcMethod<RegisterServerRequest, RegisterServerAnswer> Register =
        RpcMethod<RegisterServerRequest, RegisterServerAnswer>.Unary("distfs.v1", "ChunkServers", "Register", 0x0401);

    /// <summary>Every second.</summary>
    public static readonly RpcMethod<HeartbeatRequest, HeartbeatReply> Heartbeat =
        RpcMethod<HeartbeatRequest, HeartbeatReply>.Unary("distfs.v1", "ChunkServers", "Heartbeat", 0x0402);

    /// <summary>A page of what a server has.</summary>
    public static readonly RpcMethod<InventoryRequest, InventoryReply> Inventory =
        RpcMethod<InventoryRequest, InventoryReply>.Unary("distfs.v1", "ChunkServers", "Inventory", 0x0403);

    /// <summary>What a server has deleted.</summary>
    public static readonly RpcMethod<ConfirmDeletedRequest, ServerAnswer> ConfirmDeleted =
        RpcMethod<ConfirmDeletedRequest, ServerAnswer>.Unary("distfs.v1", "ChunkServers", "ConfirmDeleted", 0x0404);

    /// <summary>How far repair is.</summary>
    public static readonly RpcMethod<RepairStatusRequest, RepairStatusReply> RepairStatus =
        RpcMethod<RepairStatusRequest, RepairStatusReply>.Unary("distfs.v1", "ChunkServers", "RepairStatus", 0x0405);

    /// <summary>The servers.</summary>
    public static readonly RpcMethod<ListServersRequest, ListServersReply> ListServers =
        RpcMethod<ListServersRequest, ListServersReply>.Unary("distfs.v1", "ChunkServers", "ListServers", 0x0406);

    /// <summary>Who should have a chunk.</summary>
    public static readonly RpcMethod<LocateChunkRequest, LocateChunkReply> Locate =
        RpcMethod<LocateChunkRequest, LocateChunkReply>.Unary("distfs.v1", "ChunkServers", "Locate", 0x0407);
}

/// <summary>What chunk servers offer to the leading metaserver.</summary>
public static class ChunkServerMethods
{
    /// <summary>Older versions are refused from here on.</summary>
    public static readonly RpcMethod<FenceRequest, FenceReply> Fence =
        RpcMethod<FenceRequest, FenceReply>.Unary("distfs.v1", "ChunkServer", "Fence", 0x0501);

    /// <summary>How far the check of all that is stored is, and to begin one.</summary>
    public static readonly RpcMethod<ScrubRequest, ScrubReply> Scrub =
        RpcMethod<ScrubRequest, ScrubReply>.Unary("distfs.v1", "ChunkServer", "Scrub", 0x0502);
}
