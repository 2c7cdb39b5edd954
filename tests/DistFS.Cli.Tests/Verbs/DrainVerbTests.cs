namespace DistFS.Cli.Tests.Verbs;

/// <summary>A chunk server is emptied, and filled again.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class DrainVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task All_chunks_move_away_and_nothing_comes()
    {
        await cluster.OkAsync("mkdir", "/drain");
        await cluster.WriteAsync("/drain/a", new string('a', 100_000));
        var (before, server) = await PlacesAsync("/drain/a");
        Assert.Equal(3, before.Length);
        var dry = await cluster.OkAsync("drain", $"{server}", "--dry-run");
        Assert.Matches($"^Chunk server {server} has [1-9][0-9]* chunks that would move", dry.Out);
        Assert.Equal("up", await StateAsync(server));
        var report = (await cluster.OkAsync("drain", $"{server}", "--json")).Json;
        Assert.Equal((0, true), (report.GetProperty("chunks").GetInt32(), report.GetProperty("draining").GetBoolean()));
        var (after, _) = await PlacesAsync("/drain/a");
        Assert.Equal(3, after.Length);
        Assert.DoesNotContain(server, after);
        Assert.Equal("draining", await StateAsync(server));
        await cluster.WriteAsync("/drain/b", new string('b', 100_000));
        Assert.DoesNotContain(server, (await PlacesAsync("/drain/b")).Servers);
        Assert.Equal(
            $"Chunk server {server} takes chunks.\n", (await cluster.OkAsync("drain", $"{server}", "--undo")).Out);
        await cluster.Processes.ServersUpAsync(4);
        Assert.Equal(new string('a', 100_000), await cluster.ReadAsync("/drain/a"));
        await cluster.RefusedAsync(ExitCodes.NotFound, "DFS1451: ", "drain", "99");
    }

    private async Task<(uint[] Servers, uint First)> PlacesAsync(string path)
    {
        var chunk = Assert.Single(await cluster.Client.GetBlockLocationsAsync(path));
        return ([.. chunk.Replicas.Select(static one => one.Server.Value)], chunk.Replicas[0].Server.Value);
    }

    private async Task<string> StateAsync(uint server) =>
        (await cluster.Client.GetServersAsync()).Single(one => one.Id.Value == server).State;
}
