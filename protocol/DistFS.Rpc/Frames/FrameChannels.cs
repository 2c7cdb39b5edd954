using System.Collections.Concurrent;
using DistFS.Primitives;

namespace DistFS.Rpc.Frames;

/// <summary>Channels by address: made at the first use, kept, and shared by all who ask.</summary>
/// <param name="options">Of each channel; null: the defaults.</param>
/// <param name="max">So many addresses at most: a peer that names ever new ones does not fill the memory.</param>
public sealed class FrameChannels(FrameChannelOptions? options = null, int max = 16_384)
    : IRpcCallers, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<FrameChannel>> _channels = [];

    /// <summary>
    /// For peers that others wait for: one that is paused, or cut off, is given up after <paramref name="silence"/>.
    /// </summary>
    public static FrameChannels Impatient(string agent, TimeSpan silence) => new(new FrameChannelOptions
    {
        Frames = new FrameOptions
        {
            Agent = agent,
            KeepAliveInterval = silence / 4,
            KeepAliveTimeout = silence,
            StallTimeout = 2 * silence,
        },

        // Between two attempts calls fail as the last one did: who waits so long would leave out a server that is back.
        RetryDelayMax = silence / 8,
    });

    /// <summary>The channel to an address.</summary>
    /// <exception cref="RpcException">
    /// It is no address (<see cref="ErrorCatalog.Configuration"/>), or there are too many
    /// (<see cref="ErrorCatalog.Overloaded"/>).
    /// </exception>
    public FrameChannel To(string address)
    {
        if (_channels.TryGetValue(address, out var channel))
        {
            return channel.Value;
        }

        if (_channels.Count >= max)
        {
            throw new RpcException(ErrorCatalog.Overloaded, $"More than {max} addresses are called.");
        }

        // Lazy: two that ask at the same time make one.
        var parsed = RpcAddress.Parse(address);
        return _channels
            .GetOrAdd(address, _ => new Lazy<FrameChannel>(() => new FrameChannel(parsed, options))).Value;
    }

    /// <inheritdoc/>
    IRpcCaller IRpcCallers.To(string address) => To(address);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels.Values)
        {
            if (channel.IsValueCreated)
            {
                await channel.Value.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
