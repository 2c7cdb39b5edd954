namespace DistFS.TestCluster.Tests;

/// <summary>A server that does not start is a failed test, and nothing more.</summary>
public sealed class NodeProcessTests
{
    [Fact]
    public async Task One_that_does_not_start_says_why_and_leaves_nothing_behind()
    {
        var folder = Directory.CreateTempSubdirectory("distfs-node").FullName;
        var data = Path.Combine(folder, "s1");
        var server = new NodeProcess(
            "Chunk server 1", data, ["chunkserver", "--data", data, "--listen", "nowhere", "--metaservers", "also"]);

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(server.StartAsync);

        Assert.StartsWith("Chunk server 1 did not start: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("it said nothing", refused.Message, StringComparison.Ordinal);
        Assert.False(server.IsStarted);
        Assert.Contains(server.LastSaid, await File.ReadAllTextAsync(Path.Combine(data, "node.log")));
        Directory.Delete(folder, recursive: true);
    }
}
