using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>
/// What the servers of a ring store, as far as it was reported and promised since: what bounded loads are judged by.
/// Not safe for concurrent use.
/// </summary>
public sealed class ServerLoads
{
    /// <summary>
    /// A server takes a new replica only below 5/4 of its share of what is stored (consistent hashing with bounded
    /// loads: Mirrokni, Thorup and Zadimoghaddam, 2016, with c = 1.25).
    /// </summary>
    internal const int BoundNumerator = 5;

    internal const int BoundDenominator = 4;

    private readonly Ring _ring;
    private readonly long[] _used;
    private readonly ulong _capacity;
    private ulong _total;

    /// <summary>Starts from what the servers of the ring reported.</summary>
    public ServerLoads(Ring ring)
    {
        ArgumentNullException.ThrowIfNull(ring);
        _ring = ring;
        _used = new long[ring.Servers.Length];
        for (var i = 0; i < _used.Length; i++)
        {
            var server = ring.Servers[i];
            _used[i] = server.UsedBytes;
            if (server.State.Stays())
            {
                _capacity += (ulong)server.CapacityBytes;
                _total += (ulong)server.UsedBytes;
            }
        }
    }

    /// <summary>The ring whose servers these are.</summary>
    public Ring Ring => _ring;

    /// <summary>What a server stores, in bytes; 0 for one that is not on the ring.</summary>
    public long UsedBytes(ServerId server) => _ring.IndexOf(server) is >= 0 and var index ? _used[index] : 0;

    /// <summary>Counts bytes that a server is to get, or is to lose if they are negative.</summary>
    public void Add(ServerId server, long bytes)
    {
        if (_ring.IndexOf(server) is >= 0 and var index)
        {
            Add(index, bytes);
        }
    }

    /// <inheritdoc cref="Add(ServerId, long)"/>
    internal void Add(int server, long bytes)
    {
        // Reports and promises may overlap for a moment, so that more is taken away than there was.
        var used = Math.Clamp(_used[server] + bytes, 0, ServerInfo.CapacityBytesMax);
        if (_ring.Servers[server].State.Stays())
        {
            _total = _total - (ulong)_used[server] + (ulong)used;
        }

        _used[server] = used;
    }

    /// <summary>What a server stores, in bytes.</summary>
    internal long Used(int server) => _used[server];

    /// <summary>Whether a server has room for so many bytes more.</summary>
    internal bool HasRoom(int server, long bytes) => _used[server] + bytes <= _ring.Servers[server].CapacityBytes;

    /// <summary>Whether a server is below its bound, when <paramref name="added"/> bytes come to the cluster.</summary>
    internal bool IsBelowBound(int server, long added)
    {
        // used / capacity < 5/4 * total / sum of capacities, in 128 bits: exact, so alike on every member.
        var left = Math.BigMul((ulong)_used[server] * BoundDenominator, _capacity);
        var right = Math.BigMul(
            (ulong)_ring.Servers[server].CapacityBytes * BoundNumerator, _total + (ulong)added);
        return left < right;
    }

    /// <summary>A server's share of what is stored, by capacity, in bytes.</summary>
    internal long FairShare(int server) => _capacity == 0
        ? 0
        : (long)(Math.BigMul((ulong)_ring.Servers[server].CapacityBytes, _total) / _capacity);
}
