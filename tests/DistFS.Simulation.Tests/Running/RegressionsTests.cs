namespace DistFS.Simulation.Tests.Running;

public sealed class RegressionsTests
{
    /// <summary>What once failed never fails again.</summary>
    [Fact]
    public void EverySeedThatOnceFailedPasses()
    {
        foreach (var size in Enum.GetValues<SimulationSize>())
        {
            var seeds = Regressions.Load().Where(known => known.Size == size).Select(known => known.Seed);
            var summary = SimulationRunner.RunMany(seeds, size);
            Assert.True(summary.Passed, string.Concat(summary.Failures.Select(failure => failure.Report(30))));
        }
    }

    [Fact]
    public void ALineIsASeedAndPerhapsASize()
    {
        Assert.Equal(
            [(12UL, SimulationSize.Light), (13UL, SimulationSize.Full)],
            Regressions.Parse("# a comment\n12 # why\n\n13 full\n"));
        Assert.Throws<FormatException>(() => Regressions.Parse("twelve"));
    }
}
