using System.Collections.Concurrent;
using DistFS.Client.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Cluster;

/// <summary>Where chunk servers are: asked once, and again when one is not where it was. Any thread.</summary>
internal sealed class ServerBook(MetadataChannel channel)
{
    private readonly ConcurrentDictionary<uint, ServerPlace> _places = [];

    /// <summary>The servers of a chunk, with their addresses, in their order.</summary>
    /// <param name="servers">Their ids.</param>
    /// <param name="refresh">Whether what is known may be out of date.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">The metaservers do not answer, or know none of them.</exception>
    public async ValueTask<IReadOnlyList<ChunkServerAddress>> FindAsync(
        IReadOnlyList<uint> servers, bool refresh, CancellationToken cancellation)
    {
        if (refresh || !servers.All(_places.ContainsKey))
        {
            await AskAsync(servers, cancellation).ConfigureAwait(false);
        }

        var found = new List<ChunkServerAddress>(servers.Count);
        foreach (var server in servers)
        {
            if (_places.TryGetValue(server, out var place))
            {
                found.Add(new ChunkServerAddress(new ServerId(server), place.Address));
            }
        }

        return found.Count > 0 ? found : throw new DistFsException(
            ErrorCatalog.NoChunkServers, $"None of the servers {string.Join(", ", servers)} is known any more.");
    }

    /// <summary>What is known of a server; null: nothing.</summary>
    public ServerPlace? Known(uint server) => _places.GetValueOrDefault(server);

    private async Task AskAsync(IReadOnlyList<uint> servers, CancellationToken cancellation)
    {
        var request = new GetServersRequest();
        request.Servers.AddRange(servers);
        var reply = await channel.ReadAsync(new ReadOperation { GetServers = request }, 0, cancellation)
            .ConfigureAwait(false);
        if (reply.Status != 0)
        {
            throw MetadataChannel.Error(reply.Status, 0);
        }

        foreach (var place in reply.Servers.Servers)
        {
            _places[place.Server] = place;
        }
    }
}
