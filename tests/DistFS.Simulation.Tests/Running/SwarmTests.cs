using System.Globalization;
using Xunit.Abstractions;

namespace DistFS.Simulation.Tests.Running;

/// <summary>
/// The budget of every test run: 300 light seeds and 20 full ones, or as many as DISTFS_SIM_LIGHT and DISTFS_SIM_FULL
/// say. More are run by `dfs sim`.
/// </summary>
public sealed class SwarmTests(ITestOutputHelper output)
{
    [Fact]
    public void LightSeedsPass() => Pass(SimulationSize.Light, first: 1, Budget("DISTFS_SIM_LIGHT", 300));

    [Fact]
    public void FullSeedsPass() => Pass(SimulationSize.Full, first: 1, Budget("DISTFS_SIM_FULL", 20));

    private void Pass(SimulationSize size, ulong first, int count)
    {
        var seeds = Enumerable.Range(0, count).Select(i => first + (ulong)i);
        var summary = SimulationRunner.RunMany(seeds, size);
        output.WriteLine(
            $"{summary.Seeds} seeds, {summary.VirtualTime.TotalHours:F1} virtual hours, {summary.Events} events, "
            + $"{summary.OperationsDone} operations, {summary.Elections} elections, {summary.Commits} commits, "
            + $"{summary.Snapshots} snapshots, {summary.MembershipChanges} changes of members");
        output.WriteLine(string.Join(' ', summary.FaultsInjected.Select(fault => $"{fault.Key}={fault.Value}")));
        Assert.True(
            summary.Passed,
            $"{summary.Failures.Count} failed:\n" + string.Concat(summary.Failures.Take(5).Select(f => f.Report(40))));
        if (count >= 100)
        {
            // A world in which nothing happens proves nothing.
            Assert.True(summary.OperationsDone > 50 * summary.Seeds && summary.Elections > 2 * summary.Seeds);
            Assert.Equal(Enum.GetValues<FaultKind>(), summary.FaultsInjected.Keys);
        }
    }

    private static int Budget(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var count)
            ? count
            : usual;
}
