namespace DistFS.Cli.Tests.Verbs;

/// <summary>Owners.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class ChownVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Owners_are_set_also_of_trees()
    {
        await cluster.OkAsync("mkdir", "-p", "/chown/a");
        await cluster.WriteAsync("/chown/a/file", "");
        await cluster.OkAsync("ln", "-s", "file", "/chown/a/link");
        await cluster.OkAsync("chown", "1234:55", "/chown/a/link");
        Assert.Equal((1234u, 55u), await OwnerAsync("/chown/a/file"));
        Assert.Equal((0u, 0u), await OwnerAsync("/chown/a/link"));
        await cluster.OkAsync("chown", "-P", "7", "/chown/a/link");
        Assert.Equal((7u, 0u), await OwnerAsync("/chown/a/link"));
        await cluster.OkAsync("chown", "-R", ":root", "/chown");
        Assert.Equal((1234u, 0u), await OwnerAsync("/chown/a/file"));
        await cluster.OkAsync("chown", "root", "/chown/a/file");
        Assert.Equal((0u, 0u), await OwnerAsync("/chown/a/file"));
        await cluster.RefusedAsync(ExitCodes.Usage, "knows no user 'no-such'", "chown", "no-such", "/chown");
        await cluster.RefusedAsync(ExitCodes.Usage, "Whose?", "chown", ":", "/chown");
    }

    private async Task<(uint Uid, uint Gid)> OwnerAsync(string path)
    {
        var status = await cluster.Client.StatAsync(path, followsLink: false);
        return (status.Uid, status.Gid);
    }
}
