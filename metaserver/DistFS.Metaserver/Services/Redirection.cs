using DistFS.Metaserver.Consensus;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Services;

/// <summary>The answer of a metaserver that does not lead: nothing was done; who leads, if that is known.</summary>
internal static class Redirection
{
    /// <summary>The answer before the cluster's first entry.</summary>
    public static (int Status, int Code) Starting => ((int)FsStatus.TryAgain, ErrorCatalog.ClusterStarting.Number);

    public static (int Status, int Code, Leader? Leader) Of(RaftDriver driver) => (
        (int)FsStatus.TryAgain,
        ErrorCatalog.NotLeader.Number,
        driver.LeaderMember is { } leader
            ? new Leader { Member = leader.Id.Value, Address = leader.Address } : null);
}
