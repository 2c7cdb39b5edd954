using DistFS.Metadata.Leases;
using static DistFS.Metadata.Tests.Leases.LeaseBeliefs;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>The invariants of docs/design/leases.md, as clients live them; and that a breach is seen.</summary>
public sealed class LeaseWorldTests
{
    private const LeaseMode Read = LeaseMode.Read;
    private const LeaseMode Write = LeaseMode.Write;
    private const LeaseNeedKind Look = LeaseNeedKind.Look;
    private const LeaseNeedKind Change = LeaseNeedKind.Change;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void No_client_is_surprised(ulong seed)
    {
        var world = new LeaseWorld(seed);
        for (var i = 0; i < 20_000; i++)
        {
            world.Step();
        }

        // All of it happened, and often.
        foreach (var what in (string[])
            [
                "Acquire Passed", "Acquire Ended", "Operation Passed", "Operation Ended", "Look Passed", "believed",
                "answered", "reclaimed", "new leader", "ended", "ended early",
                "begun after an early end",
            ])
        {
            Assert.True(world.Counts.GetValueOrDefault(what) > 20, $"{what}: {world.Counts.GetValueOrDefault(what)}");
        }
    }

    [Fact]
    public void A_quarrel_is_seen()
    {
        Assert.Null(Quarrel([new(1, 7, Read), new(2, 7, Read), new(1, 8, Write), new(2, 9, Write)]));
        Assert.NotNull(Quarrel([new(1, 7, Read), new(2, 7, Write)]));
        Assert.NotNull(Quarrel([new(1, 7, Write), new(2, 7, Write)]));
    }

    [Fact]
    public void A_surprise_is_seen()
    {
        Assert.Null(Surprise([new(1, 7, Read), new(1, 8, Write)], [new(2, 7, Look), new(1, 8, Change)]));
        Assert.NotNull(Surprise([new(1, 7, Read)], [new(2, 7, Change)]));
        Assert.NotNull(Surprise([new(1, 7, Write)], [new(2, 7, Look)]));
    }

    [Fact]
    public void Who_waits_too_long_is_seen()
    {
        Assert.Null(Overdue(1_100, 1_000, 100));
        Assert.NotNull(Overdue(1_101, 1_000, 100));
    }

    [Fact]
    public void Too_many_leases_are_seen()
    {
        var options = new LeaseOptions { SessionLeasesMax = 3, LeasesMax = 5 };
        Assert.Null(Excess([3, 2], options));
        Assert.NotNull(Excess([4], options));
        Assert.NotNull(Excess([3, 3], options));
    }
}
