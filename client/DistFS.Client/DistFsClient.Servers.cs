using DistFS.Primitives;

namespace DistFS.Client;

/// <content>The chunk servers.</content>
public sealed partial class DistFsClient
{
    /// <summary>How reads of this client went so far.</summary>
    public ReadStatistics Reads => new(Choice.Reads, Choice.Sent, Choice.Won, Choice.LostBytes);

    /// <summary>All chunk servers, by id, as the leading metaserver sees them at the moment.</summary>
    /// <exception cref="DistFsException">Nobody answers.</exception>
    public async Task<IReadOnlyList<ChunkServerStatus>> GetServersAsync(CancellationToken cancellation = default)
    {
        var servers = new List<ChunkServerStatus>();
        for (var (after, more) = (0u, true); more;)
        {
            var page = await _channel.ListServersAsync(after, cancellation).ConfigureAwait(false);
            servers.AddRange(page.Servers.Select(static one => new ChunkServerStatus(
                new ServerId(one.Server),
                one.Address,
                one.Rack,
                one.State,
                (long)one.CapacityBytes,
                (long)one.UsedBytes)));
            (more, after) = (page.More && page.Servers.Count > 0, page.Servers.Count > 0 ? page.Servers[^1].Server : 0);
        }

        return servers;
    }
}

/// <summary>How a client's reads of chunks went.</summary>
/// <param name="Reads">That could have been asked of two servers.</param>
/// <param name="Hedged">Of these, were: since the first server was slow.</param>
/// <param name="Won">Of these, the second server answered first.</param>
/// <param name="LostBytes">That had come of requests which were given up since the other was answered.</param>
public sealed record ReadStatistics(long Reads, long Hedged, long Won, long LostBytes);

/// <summary>A chunk server.</summary>
/// <param name="Id">Which.</param>
/// <param name="Address">host:port.</param>
/// <param name="Rack">Where it stands; empty if that was not told.</param>
/// <param name="State">up, full, draining, suspect, away, dead.</param>
/// <param name="CapacityBytes">Of all its disks together.</param>
/// <param name="UsedBytes">Of these, by chunks as they are stored, each copy for itself.</param>
public sealed record ChunkServerStatus(
    ServerId Id, string Address, string Rack, string State, long CapacityBytes, long UsedBytes);
