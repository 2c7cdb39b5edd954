using System.Collections.Concurrent;
using DistFS.Rpc;
using DistFS.Rpc.Frames;

namespace DistFS.Client.Chunks;

/// <summary>Connections to chunk servers, by address: made at the first use, kept, and shared by all files.</summary>
public sealed class ChunkLinks(string agent) : IAsyncDisposable
{
    /// <summary>A server that is paused, or cut off, is given up after this.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<string, Lazy<FrameChannel>> _links = [];

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

    /// <summary>The connection to an address.</summary>
    /// <exception cref="RpcException">It is no address.</exception>
    internal FrameChannel To(string address)
    {
        if (_links.TryGetValue(address, out var link))
        {
            return link.Value;
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
}
