using System.Numerics;
using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>
/// Consistent hashing (Karger et al., 1997): every server has tokens on a ring of 64-bit numbers in proportion to its
/// capacity. A snapshot: immutable, safe for concurrent use, and a function of the servers alone.
/// </summary>
/// <remarks>
/// States are no part of the tokens: a server that comes and goes costs no sort, and what it had on the ring falls to
/// those behind it, by the walk that skips it.
/// </remarks>
public sealed partial class Ring
{
    /// <summary>
    /// What the server of mean capacity has at least (docs/design/scale.md says why). It has at most twice as many:
    /// the unit is a power of two, so that it changes once in the time in which the mean server doubles.
    /// </summary>
    public const int TokensOfMeanServer = 128;

    /// <summary>Bounds what one server can cost.</summary>
    public const int TokensOfServerMax = 1 << 14;

    /// <summary>Ascending by id, each id once.</summary>
    private readonly ServerInfo[] _servers;

    /// <summary>Of each server, its rack's place in <see cref="_rackIds"/>.</summary>
    private readonly int[] _racks;

    private readonly RackId[] _rackIds;

    /// <summary>Of each rack, how many of its servers accept new replicas.</summary>
    private readonly int[] _acceptingInRack;

    private readonly Tokens _tokens;

    private Ring(ServerInfo[] servers, long bytesPerToken, Tokens tokens)
    {
        (_servers, BytesPerToken, _tokens) = (servers, bytesPerToken, tokens);
        _rackIds = Array.ConvertAll(servers, static server => server.Rack);
        Array.Sort(_rackIds, static (left, right) => left.Value.CompareTo(right.Value));
        _rackIds = DistinctOf(_rackIds);
        _racks = new int[servers.Length];
        _acceptingInRack = new int[_rackIds.Length];
        for (var i = 0; i < servers.Length; i++)
        {
            _racks[i] = RackIndexOf(servers[i].Rack);
            if (Accepts(i))
            {
                AcceptingServers++;
                AcceptingRacks += _acceptingInRack[_racks[i]]++ == 0 ? 1 : 0;
            }
        }
    }

    /// <summary>The servers, ascending by id; an index below is one into this.</summary>
    public ReadOnlySpan<ServerInfo> Servers => _servers;

    /// <summary>The capacity that one token stands for.</summary>
    public long BytesPerToken { get; }

    /// <summary>Tokens of all servers.</summary>
    public int TokenCount => _tokens.Positions.Length;

    /// <summary>Servers that take new replicas.</summary>
    public int AcceptingServers { get; }

    /// <summary>Racks with such a server.</summary>
    public int AcceptingRacks { get; }

    /// <summary>How many racks there are.</summary>
    public int RackCount => _rackIds.Length;

    /// <summary>
    /// The unit for a cluster: what gives its mean server at least <see cref="TokensOfMeanServer"/> tokens. It is to be
    /// kept with the cluster and changed on purpose, since another unit is another ring.
    /// </summary>
    public static long UnitFor(ReadOnlySpan<ServerInfo> servers)
    {
        var (sum, count) = (0L, 0L);
        foreach (var server in servers)
        {
            if (server.CapacityBytes > 0)
            {
                sum = checked(sum + server.CapacityBytes);
                count++;
            }
        }

        var unit = count == 0 ? 0 : sum / count / TokensOfMeanServer;
        return unit == 0 ? 1 : 1L << BitOperations.Log2((ulong)unit);
    }

    /// <summary>The index of a server; -1 for none.</summary>
    public int IndexOf(ServerId server)
    {
        var (low, high) = (0, _servers.Length - 1);
        while (low <= high)
        {
            var middle = (int)((uint)(low + high) / 2);
            var id = _servers[middle].Id.Value;
            if (id == server.Value)
            {
                return middle;
            }

            (low, high) = id < server.Value ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    /// <summary>The state of a server; one that is not on the ring is dead.</summary>
    public ServerState StateOf(ServerId server) =>
        IndexOf(server) is >= 0 and var index ? _servers[index].State : ServerState.Dead;

    /// <summary>The rack of a server, from 0 to <see cref="RackCount"/>.</summary>
    internal int RackOf(int server) => _racks[server];

    /// <summary>Whether a server of that rack takes new replicas.</summary>
    internal bool RackAccepts(int rack) => _acceptingInRack[rack] > 0;

    /// <summary>Whether a server takes new replicas, as far as its state says.</summary>
    internal bool Accepts(int server) => _servers[server].State.Accepts() && _servers[server].CapacityBytes > 0;

    /// <summary>The first token at or behind a position.</summary>
    internal int TokenAt(ulong position)
    {
        var (positions, i) = (_tokens.Positions, _tokens.Buckets[position >> _tokens.Shift]);
        while (i < positions.Length && positions[i] < position)
        {
            i++;
        }

        return i == positions.Length ? 0 : i;
    }

    /// <summary>The token behind another.</summary>
    internal int NextToken(int token) => token + 1 == _tokens.Owners.Length ? 0 : token + 1;

    /// <summary>Whose token it is.</summary>
    internal int OwnerOf(int token) => _tokens.Owners[token];

    /// <summary>Where it stands.</summary>
    internal ulong PositionOf(int token) => _tokens.Positions[token];

    private static RackId[] DistinctOf(RackId[] sorted)
    {
        var count = 0;
        foreach (var rack in sorted)
        {
            if (count == 0 || sorted[count - 1] != rack)
            {
                sorted[count++] = rack;
            }
        }

        return sorted[..count];
    }

    private int RackIndexOf(RackId rack)
    {
        var (low, high) = (0, _rackIds.Length - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _rackIds[middle].Value < rack.Value ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
