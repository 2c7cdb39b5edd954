using DistFS.Primitives;

namespace DistFS.Simulation.Tests.Running;

public sealed class SimulationRunnerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void TheSameSeedIsTheSameWorld(ulong seed)
    {
        var one = SimulationRunner.RunSeed(seed, SimulationSize.Light);
        var two = SimulationRunner.RunSeed(seed, SimulationSize.Light);
        Assert.Equal(one.TraceHash, two.TraceHash);
        Assert.Equal(one.Events, two.Events);
        Assert.Equal(one.Failure, two.Failure);
        Assert.NotEqual(one.TraceHash, SimulationRunner.RunSeed(seed + 100, SimulationSize.Light).TraceHash);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void TheSameSeedIsTheSameWorldOfChunks(ulong seed)
    {
        var one = SimulationRunner.RunSeed(seed, SimulationSize.Light, machine: SimulationMachine.Chunks);
        var two = SimulationRunner.RunSeed(seed, SimulationSize.Light, machine: SimulationMachine.Chunks);
        Assert.Equal(one.TraceHash, two.TraceHash);
        Assert.Equal(one.Events, two.Events);
        Assert.Equal(one.Outcomes, two.Outcomes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void TheSameSeedIsTheSameWorldOfMetadata(ulong seed)
    {
        var one = SimulationRunner.RunSeed(seed, SimulationSize.Light, machine: SimulationMachine.Metadata);
        var two = SimulationRunner.RunSeed(seed, SimulationSize.Light, machine: SimulationMachine.Metadata);
        Assert.Equal(one.TraceHash, two.TraceHash);
        Assert.Equal(one.Outcomes, two.Outcomes);
        Assert.NotEqual(one.TraceHash, SimulationRunner.RunSeed(seed, SimulationSize.Light).TraceHash);
    }

    [Fact]
    public void SomebodyWhoWatchesChangesNothing()
    {
        var lines = 0;
        var watched = SimulationRunner.RunSeed(2, SimulationSize.Light, listener: _ => lines++);
        Assert.Equal(SimulationRunner.RunSeed(2, SimulationSize.Light).TraceHash, watched.TraceHash);
        Assert.True(lines > 1_000);
    }

    [Fact]
    public void AFailureSaysHowToRepeatIt()
    {
        var failed = SimulationRunner.RunSeed(1, SimulationSize.Light, PlantedBug.ApplyUsesWallTime);
        Assert.False(failed.Passed);
        Assert.Equal("dfs sim --machine registers --seed 1 --planted ApplyUsesWallTime", failed.Command);
        Assert.Contains(failed.Command, failed.Report(10), StringComparison.Ordinal);
        Assert.Contains("FAILED", failed.TraceTail[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void APlantedBugIsGoneAfterItsWorld()
    {
        SimulationRunner.RunSeed(1, SimulationSize.Light, PlantedBug.ApplyUsesWallTime);
        Assert.False(Teeth.Has(PlantedBug.ApplyUsesWallTime));
    }

    [Fact]
    public void ThreadsDoNotChangeWhatHappens()
    {
        ulong[] seeds = [11, 12, 13, 14, 15, 16];
        var alone = seeds.Select(seed => SimulationRunner.RunSeed(seed, SimulationSize.Light).TraceHash);
        var results = new Collector();
        var summary = SimulationRunner.RunMany(seeds, SimulationSize.Light, threads: 2, results);
        Assert.Equal(seeds.Length, summary.Seeds);
        Assert.Equal(alone, results.Results.OrderBy(result => result.Seed).Select(result => result.TraceHash));
    }

    [Fact]
    public void NothingIsBegunAfterItWasCancelled()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Equal(0, SimulationRunner.RunMany([1, 2, 3], SimulationSize.Light, stop: stop.Token).Seeds);
    }

    private sealed class Collector : IProgress<SeedResult>
    {
        public List<SeedResult> Results { get; } = [];

        public void Report(SeedResult value) => Results.Add(value);
    }
}
