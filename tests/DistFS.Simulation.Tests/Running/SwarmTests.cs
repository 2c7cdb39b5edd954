using System.Globalization;
using DistFS.Primitives;
using DistFS.Simulation.Chains;
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

    /// <summary>Namespace, sessions, chunks and repair: at most 60 s on a slow machine.</summary>
    [Fact]
    public void LightSeedsOfTheMetadataPass()
    {
        var count = Budget("DISTFS_SIM_METADATA", 150);
        var summary = Pass(SimulationSize.Light, first: 1, count, SimulationMachine.Metadata);
        output.WriteLine(string.Join(", ", summary.Outcomes.Select(outcome => $"{outcome.Key} {outcome.Value}")));
        if (count >= 100)
        {
            // A world in which nothing is done, or nothing refused, proves nothing.
            foreach (var kind in Enum.GetValues<Protocol.Operation.KindOneofCase>()
                .Where(static kind => kind != Protocol.Operation.KindOneofCase.None))
            {
                Assert.True(summary.Outcomes.GetValueOrDefault($"{kind} Ok") > 0, $"never {kind}");
            }

            foreach (var status in (FsStatus[])
                [
                    FsStatus.NotFound, FsStatus.AlreadyExists, FsStatus.NotEmpty, FsStatus.CrossDevice,
                    FsStatus.QuotaExceeded, FsStatus.Stale, FsStatus.AccessDenied, FsStatus.Cancelled,
                ])
            {
                Assert.True(
                    summary.Outcomes.Any(outcome => outcome.Key.EndsWith($" {status}", StringComparison.Ordinal)),
                    $"never {status}");
            }

            foreach (var what in (string[])
                ["cached reads", "buffered writes", "reads", "recalls", "reclaims", "sleeps", "deaf", "sessions ended"])
            {
                Assert.True(summary.Outcomes.GetValueOrDefault($"lease: {what}") > 0, $"never {what}");
            }

            Assert.True(summary.Outcomes["copies of repair"] > 0);
        }
    }

    /// <summary>The data path: some 20 s of one core.</summary>
    [Fact]
    public void LightSeedsOfChunksPass()
    {
        var count = Budget("DISTFS_SIM_CHUNKS", 120);
        var summary = Pass(SimulationSize.Light, first: 1, count, SimulationMachine.Chunks);
        output.WriteLine(string.Join(", ", summary.Outcomes.Select(outcome => $"{outcome.Key} {outcome.Value}")));
        if (count >= 100)
        {
            foreach (var what in (string[])
                ["decisions", "unclean copies", "losses forgiven", "copies made", "stale reads", "versions"])
            {
                Assert.True(summary.Outcomes.GetValueOrDefault(what) > 0, $"never {what}");
            }
        }
    }

    [Fact]
    public void FullSeedsPass() => Pass(SimulationSize.Full, first: 1, Budget("DISTFS_SIM_FULL", 20));

    private SimulationSummary Pass(
        SimulationSize size,
        ulong first,
        int count,
        SimulationMachine machine = SimulationMachine.Registers)
    {
        var seeds = Enumerable.Range(0, count).Select(i => first + (ulong)i);
        var summary = SimulationRunner.RunMany(seeds, size, machine: machine);
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
            Assert.True(summary.OperationsDone > 50 * summary.Seeds);
            if (machine == SimulationMachine.Chunks)
            {
                Assert.All(
                    Enum.GetValues<ChainFault>(),
                    fault => Assert.True(summary.Outcomes.GetValueOrDefault($"fault: {fault}") > 0, $"never {fault}"));
            }
            else
            {
                Assert.True(summary.Elections > 2 * summary.Seeds);
                Assert.Equal(Enum.GetValues<FaultKind>(), summary.FaultsInjected.Keys);
            }
        }

        return summary;
    }

    private static int Budget(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var count)
            ? count
            : usual;
}
