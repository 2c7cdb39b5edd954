using System.Collections.Concurrent;
using System.Net;
using System.Net.NetworkInformation;
using DistFS.Client.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Client.Cluster;

/// <summary>How far chunk servers are from this client: on this host, in its rack, elsewhere. Any thread.</summary>
/// <param name="rack">The client's; null: that of a server on this host, once one is known.</param>
/// <param name="known">What is known of a server.</param>
/// <param name="isThisHost">Whether a host, as an address names it, is this one.</param>
internal sealed class ServerDistance(
    string? rack, Func<uint, ServerPlace?> known, Func<string, bool>? isThisHost = null)
{
    private readonly ConcurrentDictionary<string, bool> _isHere = [];
    private readonly Lazy<HashSet<string>> _names = new(NamesOfThisHost);
    private volatile string? _rack = rack;

    /// <summary>0: this host, 1: this rack, 2: elsewhere, or it is not known.</summary>
    public int Of(ChunkServerAddress server)
    {
        var place = known(server.Id.Value);
        if (_isHere.GetOrAdd(server.Address, static (address, self) => self.IsHere(address), this))
        {
            if (place is { Rack.Length: > 0 })
            {
                _rack ??= place.Rack;
            }

            return 0;
        }

        return _rack is { Length: > 0 } mine && place?.Rack == mine ? 1 : 2;
    }

    private bool IsHere(string address)
    {
        string? host;
        try
        {
            host = RpcAddress.Parse(address).Host;
        }
        catch (DistFsException)
        {
            // It cannot be called either; that is told by whoever tries.
            return false;
        }

        return host == null || (isThisHost?.Invoke(host) ?? _names.Value.Contains(host)
            || (IPAddress.TryParse(host, out var ip) && IPAddress.IsLoopback(ip)));
    }

    private static HashSet<string> NamesOfThisHost()
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "localhost", Environment.MachineName };
        try
        {
            names.UnionWith(NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(static one => one.GetIPProperties().UnicastAddresses)
                .Select(static one => one.Address.ToString()));
        }
        catch (NetworkInformationException)
        {
            // Then only its name is known: everything else is taken for far, which is slower and no worse.
        }

        return names;
    }
}
