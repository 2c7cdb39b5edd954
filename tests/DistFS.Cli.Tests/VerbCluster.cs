using DistFS.Client;
using DistFS.TestCluster;

namespace DistFS.Cli.Tests;

/// <summary>
/// One cluster of real processes for the tests of all verbs about files; each test has a directory in it.
/// </summary>
public sealed class VerbCluster : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-verbs").FullName;
    private ClusterProcesses _cluster = null!;

    /// <summary>A client, to look and to prepare.</summary>
    public DistFsClient Client { get; private set; } = null!;

    /// <summary>The addresses of the metaservers, as the command line has them.</summary>
    public string Addresses => string.Join(',', _cluster.Metaservers.Addresses);

    /// <summary>The processes.</summary>
    public ClusterProcesses Processes => _cluster;

    public async Task InitializeAsync()
    {
        _cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"), metaservers: 1, servers: 4);
        Client = await _cluster.ConnectAsync();
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Runs a verb.</summary>
    internal Task<CliResult> RunAsync(params string[] arguments) => Tool().RunAsync(arguments);

    /// <summary>Runs a verb with something on stdin.</summary>
    internal Task<CliResult> RunWithAsync(string input, params string[] arguments) =>
        (Tool() with { Input = input }).RunAsync(arguments);

    /// <summary>Runs a verb that must go well.</summary>
    internal async Task<CliResult> OkAsync(params string[] arguments)
    {
        var result = await RunAsync(arguments);
        Assert.True(result.ExitCode == ExitCodes.Ok, $"dfs {string.Join(' ', arguments)}: {result.Error}");
        return result;
    }

    /// <summary>Runs a verb that must be refused: with that exit code, and saying that.</summary>
    internal async Task<CliResult> RefusedAsync(int code, string why, params string[] arguments)
    {
        var result = await RunAsync(arguments);
        Assert.True(
            result.ExitCode == code && result.Error.Contains(why, StringComparison.Ordinal),
            $"dfs {string.Join(' ', arguments)}: {result.ExitCode}, {result.Error}");
        return result;
    }

    /// <summary>Makes a file with that text.</summary>
    internal async Task WriteAsync(string path, string text)
    {
        await using var file = await Client.CreateFileAsync(path, overwrites: true);
        await file.WriteAsync(0, System.Text.Encoding.UTF8.GetBytes(text));
    }

    /// <summary>The text of a file.</summary>
    internal async Task<string> ReadAsync(string path) => (await OkAsync("cat", path)).Out;

    private Cli Tool() => new()
    {
        Environment = new() { ["DISTFS_CLUSTER"] = Addresses, ["DISTFS_TIMEOUT"] = "30s" },
    };
}

/// <summary>The tests that share the cluster.</summary>
[CollectionDefinition(Name)]
public sealed class VerbClusterTests : ICollectionFixture<VerbCluster>
{
    public const string Name = "cluster";
}
