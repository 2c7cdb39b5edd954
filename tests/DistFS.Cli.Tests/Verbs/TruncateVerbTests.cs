namespace DistFS.Cli.Tests.Verbs;

/// <summary>Lengths of files.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class TruncateVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Files_are_cut_and_grow()
    {
        await cluster.OkAsync("mkdir", "/truncate");
        await cluster.WriteAsync("/truncate/a", "0123456789");
        await cluster.OkAsync("truncate", "-s", "-4", "/truncate/a");
        Assert.Equal("012345", await cluster.ReadAsync("/truncate/a"));
        await cluster.OkAsync("truncate", "-s", "+2", "/truncate/a");
        Assert.Equal("012345\0\0", await cluster.ReadAsync("/truncate/a"));
        await cluster.OkAsync("truncate", "-s", "<4", "/truncate/a");
        await cluster.OkAsync("truncate", "-s", "<8", "/truncate/a");
        Assert.Equal("0123", await cluster.ReadAsync("/truncate/a"));
        await cluster.OkAsync("truncate", "-s", ">3KiB", "/truncate/a", "/truncate/new");
        Assert.Equal(3072, (await cluster.Client.StatAsync("/truncate/a")).Size);
        Assert.Equal(3072, (await cluster.Client.StatAsync("/truncate/new")).Size);
        await cluster.OkAsync("truncate", "-c", "-s", "0", "/truncate/none", "/truncate/a");
        Assert.Equal("", await cluster.ReadAsync("/truncate/a"));
        Assert.Null(await cluster.Client.TryStatAsync("/truncate/none"));
        await cluster.RefusedAsync(ExitCodes.Usage, "-s 'x' is no size", "truncate", "-s", "x", "/truncate/a");
        await cluster.RefusedAsync(ExitCodes.Failed, "is a directory", "truncate", "-s", "0", "/truncate");
    }
}
