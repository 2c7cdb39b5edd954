using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>What metaservers offer to chunk servers (<c>distfs/v1/servers.proto</c>).</summary>
public static class ChunkServersMethods
{
    /// <summary>A server begins.</summary>
    public static readonly RpcMethod<RegisterServerRequest, RegisterServerAnswer> Register =
        RpcMethod<RegisterServerRequest, RegisterServerAnswer>.Of(
            ServersReflection.Descriptor, "ChunkServers", "Register");

    /// <summary>Every second.</summary>
    public static readonly RpcMethod<HeartbeatRequest, HeartbeatReply> Heartbeat =
        RpcMethod<HeartbeatRequest, HeartbeatReply>.Of(ServersReflection.Descriptor, "ChunkServers", "Heartbeat");

    /// <summary>A page of what a server has.</summary>
    public static readonly RpcMethod<InventoryRequest, InventoryReply> Inventory =
        RpcMethod<InventoryRequest, InventoryReply>.Of(ServersReflection.Descriptor, "ChunkServers", "Inventory");

    /// <summary>What a server has deleted.</summary>
    public static readonly RpcMethod<ConfirmDeletedRequest, ServerAnswer> ConfirmDeleted =
        RpcMethod<ConfirmDeletedRequest, ServerAnswer>.Of(
            ServersReflection.Descriptor, "ChunkServers", "ConfirmDeleted");

    /// <summary>How far repair is.</summary>
    public static readonly RpcMethod<RepairStatusRequest, RepairStatusReply> RepairStatus =
        RpcMethod<RepairStatusRequest, RepairStatusReply>.Of(
            ServersReflection.Descriptor, "ChunkServers", "RepairStatus");

    /// <summary>The servers.</summary>
    public static readonly RpcMethod<ListServersRequest, ListServersReply> ListServers =
        RpcMethod<ListServersRequest, ListServersReply>.Of(
            ServersReflection.Descriptor, "ChunkServers", "ListServers");
}

/// <summary>What chunk servers offer to the leading metaserver.</summary>
public static class ChunkServerMethods
{
    /// <summary>Older versions are refused from here on.</summary>
    public static readonly RpcMethod<FenceRequest, FenceReply> Fence =
        RpcMethod<FenceRequest, FenceReply>.Of(ServersReflection.Descriptor, "ChunkServer", "Fence");

    /// <summary>How far the check of what is stored is.</summary>
    public static readonly RpcMethod<ScrubRequest, ScrubReply> Scrub =
        RpcMethod<ScrubRequest, ScrubReply>.Of(ServersReflection.Descriptor, "ChunkServer", "Scrub");
}
