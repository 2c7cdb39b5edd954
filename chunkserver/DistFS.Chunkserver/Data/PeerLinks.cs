using System.Collections.Concurrent;
using DistFS.Primitives;
using DistFS.Rpc;
using DistFS.Rpc.Frames;

namespace DistFS.Chunkserver.Data;

/// <summary>Connections to other chunk servers, by address: made at the first use, and kept.</summary>
internal sealed class PeerLinks(string agent) : IAsyncDisposable
{
    private const int LinksMax = 16_384;

    /// <summary>One that is paused or cut off is noticed within this: everyone in its chains waits for that.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, Lazy<FrameChannel>> _links = [];

    /// <summary>The connection to an address.</summary>
    /// <exception cref="RpcException">It is no address, or there are too many.</exception>
    public FrameChannel To(string address)
    {
        if (_links.TryGetValue(address, out var link))
        {
            return link.Value;
        }

        if (_links.Count >= LinksMax)
        {
            throw new RpcException(ErrorCatalog.Overloaded, "Too many chunk servers are called at once.");
        }

        var parsed = RpcAddress.Parse(address);
        return _links.GetOrAdd(address, new Lazy<FrameChannel>(() => new FrameChannel(parsed, new FrameChannelOptions
        {
            Frames = new FrameOptions
            {
                Agent = agent,
                KeepAliveInterval = SilenceMax / 4,
                KeepAliveTimeout = SilenceMax,
                StallTimeout = 2 * SilenceMax,
            },
        }))).Value;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var link in _links.Values)
        {
            if (link.IsValueCreated)
            {
                await link.Value.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
