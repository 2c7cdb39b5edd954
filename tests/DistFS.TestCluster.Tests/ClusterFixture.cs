using DistFS.Client;

namespace DistFS.TestCluster.Tests;

/// <summary>One cluster of three metaservers and five chunk servers, and a client, for the tests of a class.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-cluster").FullName;

    public ClusterProcesses Cluster { get; private set; } = null!;

    public DistFsClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"));
        Client = await Cluster.ConnectAsync();
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await Cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
