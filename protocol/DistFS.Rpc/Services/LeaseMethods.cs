using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>The methods of <c>distfs/v1/leases.proto</c>.</summary>
public static class LeaseMethods
{
    /// <summary>Leases for a session.</summary>
    public static readonly RpcMethod<AcquireLeasesRequest, AcquireLeasesReply> Acquire =
        RpcMethod<AcquireLeasesRequest, AcquireLeasesReply>.Unary("distfs.v1", "Leases", "Acquire", 0x0601);

    /// <summary>Leases that a session gives up.</summary>
    public static readonly RpcMethod<ReleaseLeasesRequest, ReleaseLeasesReply> Release =
        RpcMethod<ReleaseLeasesRequest, ReleaseLeasesReply>.Unary("distfs.v1", "Leases", "Release", 0x0602);

    /// <summary>What a session has of the leader before.</summary>
    public static readonly RpcMethod<ReclaimLeasesRequest, ReclaimLeasesReply> Reclaim =
        RpcMethod<ReclaimLeasesRequest, ReclaimLeasesReply>.Unary("distfs.v1", "Leases", "Reclaim", 0x0603);

    /// <summary>A session is alive, and hears what it has to give up.</summary>
    public static readonly RpcMethod<WaitForRecallsRequest, WaitForRecallsReply> WaitForRecalls =
        RpcMethod<WaitForRecallsRequest, WaitForRecallsReply>.Unary("distfs.v1", "Leases", "WaitForRecalls", 0x0604);
}
