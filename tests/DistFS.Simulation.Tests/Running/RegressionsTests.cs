namespace DistFS.Simulation.Tests.Running;

public sealed class RegressionsTests
{
    /// <summary>What once failed never fails again.</summary>
    [Fact]
    public void EverySeedThatOnceFailedPasses()
    {
        foreach (var known in Regressions.Load().GroupBy(static known => (known.Size, known.Machine)))
        {
            var summary = SimulationRunner.RunMany(
                known.Select(static one => one.Seed), known.Key.Size, machine: known.Key.Machine);
            Assert.True(summary.Passed, string.Concat(summary.Failures.Select(failure => failure.Report(30))));
        }
    }

    [Fact]
    public void ALineIsASeedAndPerhapsASize()
    {
        Assert.Equal(
            [
                (12UL, SimulationSize.Light, SimulationMachine.Registers),
                (13UL, SimulationSize.Full, SimulationMachine.Registers),
                (14UL, SimulationSize.Light, SimulationMachine.Metadata),
            ],
            Regressions.Parse("# a comment\n12 # why\n\n13 full\n14 light metadata"));
        Assert.Throws<FormatException>(() => Regressions.Parse("twelve"));
    }
}
