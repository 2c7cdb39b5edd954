using DistFS.Client.Nodes;
using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.Tests.Hosting;
using DistFS.Rpc;

namespace DistFS.Client.Tests.Leases;

/// <summary>A metaserver as it ships, in this process, and clients of it.</summary>
internal sealed class LeasesOfACluster : IAsyncDisposable
{
    private readonly HostCluster _hosts = new();

    public MetaserverHost Host => _hosts[0];

    public static async Task<LeasesOfACluster> StartAsync()
    {
        var cluster = new LeasesOfACluster();
        await cluster._hosts.StartAsync(0);
        return cluster;
    }

    public Task<DistFsNodes> ConnectAsync(RecordingHolder holder) =>
        DistFsNodes.ConnectAsync(OptionsOf(), holder).Soon();

    public DistFsClientOptions OptionsOf() => Options(_hosts.Address(0));

    public static DistFsClientOptions Options(RpcAddress address) => new()
    {
        Metaservers = [address],
        SessionLease = TimeSpan.FromSeconds(10),
        Patience = TimeSpan.FromSeconds(20),
    };

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();
}
