using DistFS.Primitives;

namespace DistFS.Simulation.Tests.Faults;

/// <summary>Swarm testing: every fault, and its absence, comes up, and every draw is a valid world.</summary>
public sealed class WorldOptionsTests
{
    private static readonly WorldOptions[] Worlds =
        [.. Enumerable.Range(0, 500).Select(seed => WorldOptions.Draw(new Prng((ulong)seed), SimulationSize.Light))];

    [Fact]
    public void EveryWorldIsValid() => Assert.All(Worlds, world =>
    {
        Assert.Null(world.Raft(new MemberId(1), new StoreId(1)).Fault());
        Assert.Null(world.Store().Fault());
        Assert.InRange(world.Voters, 1, 5);
        Assert.True(world.Operations >= world.Clients);
    });

    [Fact]
    public void EveryFaultComesUpAndIsAbsent() => Assert.All(
        Enum.GetValues<FaultKind>(), kind => Assert.InRange(Worlds.Count(w => w.Faults.ContainsKey(kind)), 50, 450));

    [Fact]
    public void SomeWorldsAreCalmAndSomeAreNot()
    {
        Assert.Contains(Worlds, world => world.Faults.Count <= 1);
        Assert.Contains(Worlds, world => world.Faults.Count >= 15);
    }

    [Fact]
    public void TheSameSeedGivesTheSameWorld()
    {
        var one = WorldOptions.Draw(new Prng(3), SimulationSize.Full);
        var two = WorldOptions.Draw(new Prng(3), SimulationSize.Full);
        Assert.Equal(one.Faults, two.Faults);
        Assert.Equal(one.SnapshotEvery, two.SnapshotEvery);
        Assert.Equal(one.Raft(new MemberId(1), default), two.Raft(new MemberId(1), default));
    }
}
