using DistFS.Client.Chunks;
using DistFS.Client.Cluster;
using DistFS.Protocol;

namespace DistFS.Client.Tests.Cluster;

/// <summary>Same host, same rack, elsewhere.</summary>
public sealed class ServerDistanceTests
{
    private static readonly ChunkServerAddress Here = new(new ServerId(1), "10.0.0.1:7200");
    private static readonly ChunkServerAddress Near = new(new ServerId(2), "10.0.0.2:7200");
    private static readonly ChunkServerAddress Far = new(new ServerId(3), "10.0.0.3:7200");

    [Fact]
    public void TheRackIsThatOfAServerOnThisHost()
    {
        var distance = Distance(rack: null);
        Assert.Equal(2, distance.Of(Near));
        Assert.Equal(0, distance.Of(Here));
        Assert.Equal([0, 1, 2], new[] { Here, Near, Far }.Select(distance.Of));
    }

    [Fact]
    public void TheRackThatIsSaidCounts() =>
        Assert.Equal([0, 2, 1], new[] { Here, Near, Far }.Select(Distance("r2").Of));

    [Theory]
    [InlineData("127.0.0.1:7200", 0)]
    [InlineData("localhost:7200", 0)]
    [InlineData("[::1]:7200", 0)]
    [InlineData("unix:/run/x", 0)]
    [InlineData("192.0.2.77:7200", 2)]
    [InlineData("no address", 2)]
    public void TheNamesOfThisHostAreKnown(string address, int distance) =>
        Assert.Equal(distance, new ServerDistance(null, static _ => null).Of(new(new ServerId(9), address)));

    private static ServerDistance Distance(string? rack) => new(
        rack,
        static server => new ServerPlace { Server = server, Rack = server == 3 ? "r2" : "r1" },
        static host => host == "10.0.0.1");
}
