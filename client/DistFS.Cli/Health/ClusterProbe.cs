using DistFS.Metaserver.Services;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Cli.Health;

/// <summary>Asks a cluster how it is.</summary>
/// <param name="client">Its metaservers.</param>
/// <param name="limit">To find who leads.</param>
internal sealed class ClusterProbe(AdminClient client, TimeSpan limit)
{
    // A leader that has just begun knows nothing of repair yet: that is no reason to show no servers.
    private static readonly TimeSpan RepairLimit = TimeSpan.FromSeconds(1);

    /// <summary>Asks once.</summary>
    /// <exception cref="RpcException">No metaserver answers.</exception>
    public async Task<ClusterReport> AskAsync(CancellationToken cancellation)
    {
        var members = await client.MembersAsync(limit, cancellation).ConfigureAwait(false);
        var metaservers = members.Members.Select(member => LineOf(member, members)).ToArray();
        if (members.Leader == 0 || members.Self != members.Leader)
        {
            return HealthRules.Judge(null, metaservers, [], null);
        }

        try
        {
            var servers = await ServersAsync(cancellation).ConfigureAwait(false);
            var chunks = await ChunksAsync(cancellation).ConfigureAwait(false);
            return HealthRules.Judge(members.Leader, metaservers, servers, chunks);
        }
        catch (RpcException e) when (AdminClient.IsPassing(e.Code) && !cancellation.IsCancellationRequested)
        {
            // It led a moment ago.
            return HealthRules.Judge(null, metaservers, [], null);
        }
    }

    private async Task<ChunkserverLine[]> ServersAsync(CancellationToken cancellation)
    {
        var servers = new List<ChunkserverLine>();
        for (var (after, more) = (0u, true); more;)
        {
            var page = await client.ServersAsync(after, limit, cancellation).ConfigureAwait(false);
            servers.AddRange(page.Servers.Select(LineOf));
            (more, after) = (page.More && page.Servers.Count > 0, page.Servers.Count > 0 ? page.Servers[^1].Server : 0);
        }

        return [.. servers];
    }

    private async Task<ChunksLine?> ChunksAsync(CancellationToken cancellation)
    {
        try
        {
            return LineOf(await client.RepairAsync(RepairLimit, cancellation).ConfigureAwait(false));
        }
        catch (RpcException e) when (AdminClient.IsPassing(e.Code) && !cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private static MetaserverLine LineOf(MemberInfo member, MembersReply reply)
    {
        // Only a leader knows of the others; who is asked instead knows of itself.
        var isLeading = reply.Leader != 0 && reply.Self == reply.Leader;
        var state = !isLeading ? MetaserverState.Unknown
            : member.Member == reply.Leader ? MetaserverState.Leader
            : !member.IsAlive ? MetaserverState.Down
            : member.Part is MemberPart.Voter or MemberPart.Leaving ? MetaserverState.Follower
            : MetaserverState.Learner;
        return new MetaserverLine(
            member.Member,
            member.Address,
            state,
            isLeading ? reply.Last - Math.Min(member.Match, reply.Last) : null);
    }

    private static ChunkserverLine LineOf(ServerStatus server) => new(
        server.Server,
        server.Address,
        server.IsThrough || server.State != "suspect" ? server.State : "starting",
        server.Rack,
        server.UsedBytes,
        server.CapacityBytes,
        server.Load,
        server.DamagedBlocks,
        server.LostCopies);

    private static ChunksLine LineOf(RepairStatusReply repair)
    {
        var classes = repair.Classes.ToDictionary(static one => one.Name, static one => (ulong)one.Chunks);
        ulong Of(params ReadOnlySpan<string> names)
        {
            var sum = 0UL;
            foreach (var name in names)
            {
                sum += classes.GetValueOrDefault(name);
            }

            return sum;
        }

        return new ChunksLine(
            repair.Chunks,
            Of("last-copy", "many-missing", "some-missing") + repair.Parked,
            Of("last-copy"),
            repair.Unavailable,
            repair.Parked - Math.Min(repair.Unavailable, repair.Parked),
            Of("corrupt"),
            Of("draining", "racks", "moving"),
            repair.CopiesUnderWay,
            repair.BytesLeft,
            repair.BytesPerSecond,
            repair.HasEtaMs ? (repair.EtaMs + 999) / 1000 : null,
            repair.IsComplete,
            repair.UnknownCopies);
    }
}
