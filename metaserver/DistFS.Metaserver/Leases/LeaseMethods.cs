using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Leases;

/// <summary>The methods of <c>distfs/v1/leases.proto</c>.</summary>
public static class LeaseMethods
{
    /// <summary>Leases for a session.</summary>
    public static readonly RpcMethod<AcquireLeasesRequest, AcquireLeasesReply> Acquire =
        RpcMethod<AcquireLeasesRequest, AcquireLeasesReply>.Of(LeasesReflection.Descriptor, "Leases", "Acquire");

    /// <summary>Leases that a session gives up.</summary>
    public static readonly RpcMethod<ReleaseLeasesRequest, ReleaseLeasesReply> Release =
        RpcMethod<ReleaseLeasesRequest, ReleaseLeasesReply>.Of(LeasesReflection.Descriptor, "Leases", "Release");

    /// <summary>What a session has of the leader before.</summary>
    public static readonly RpcMethod<ReclaimLeasesRequest, ReclaimLeasesReply> Reclaim =
        RpcMethod<ReclaimLeasesRequest, ReclaimLeasesReply>.Of(LeasesReflection.Descriptor, "Leases", "Reclaim");

    /// <summary>A session is alive, and hears what it has to give up.</summary>
    public static readonly RpcMethod<WaitForRecallsRequest, WaitForRecallsReply> WaitForRecalls =
        RpcMethod<WaitForRecallsRequest, WaitForRecallsReply>.Of(
            LeasesReflection.Descriptor, "Leases", "WaitForRecalls");
}
