using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Primitives;
using DistFS.Simulation;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary>
/// <c>dfs sim</c>: runs the shipped consensus, metadata and data path in simulated worlds full of faults
/// (docs/design/simulation.md).
/// </summary>
internal sealed class SimVerb : Verb
{
    private const int TraceLines = 40;

    private static readonly int UsualThreads = Math.Min(Environment.ProcessorCount, SimulationRunner.ThreadsDefault);

    private readonly Option<ulong?> _seed = new("--seed")
    {
        Description = "The world to run; with --seeds and --soak, the first one",
        HelpName = "N",
    };

    private readonly Option<int> _seeds =
        CliArguments.Number("--seeds", "Run so many worlds", byDefault: 1, min: 1, max: int.MaxValue);

    private readonly Option<TimeSpan?> _soak =
        CliArguments.Time("--soak", "Run worlds for so long; from a random seed if none is given");

    private readonly Option<bool> _full = new("--full") { Description = "Five virtual minutes each, not some seconds" };

    private readonly Option<SimulationMachine?> _machine = new("--machine")
    {
        Description = "Which worlds: registers, metadata or chunks; without it, each seed is run with all of them",
        HelpName = "WHICH",
    };

    private readonly Option<int> _threads =
        CliArguments.Number("--threads", "Worlds that run at once", UsualThreads, min: 1, max: 256);

    private readonly Option<PlantedBug?> _planted = CliArguments.Planted(
        "--planted", "Plant this bug and stop at the first world that finds it (test builds only)");

    private readonly Option<bool> _trace = new("--trace") { Description = "Print all that happens, of one seed" };

    public override string Summary => "Run consensus, metadata and chunk servers in simulated worlds full of faults";

    public override VerbGroup Group => VerbGroup.Tool;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs sim --seeds 500", "run the worlds 1 to 500"),
        new("dfs sim --soak 30m", "run worlds for half an hour, from a random seed on"),
        new("dfs sim --machine metadata --seed 4711 --trace", "repeat one world and show what happens in it"),
        new("dfs sim --seeds 2000 --planted VoteNotPersisted", "look for a bug that was planted"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Options.Add(_seed);
        command.Options.Add(_seeds);
        command.Options.Add(_soak);
        command.Options.Add(_full);
        command.Options.Add(_machine);
        command.Options.Add(_threads);
        command.Options.Add(_planted);
        command.Options.Add(_trace);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var planted = context.Get(_planted) ?? PlantedBug.None;
        if (planted != PlantedBug.None && !Teeth.Compiled)
        {
            throw new DistFsException(
                ErrorCatalog.Usage,
                "--planted: this is a product build, which has no planted bugs; run it from the source: "
                + "dotnet run -c Release --project client/DistFS.Cli -- sim ...");
        }

        var clock = Stopwatch.StartNew();
        var summary = await RunWorldsAsync(context, planted).ConfigureAwait(false);
        context.Cancellation.ThrowIfCancellationRequested();
        var report = SimReport.Of(summary, planted, clock.Elapsed);
        if (context.Json)
        {
            context.WriteJson(report, SimJson.Default.SimReport);
        }
        else
        {
            Show(context, summary, report);
        }

        // With a planted bug a world that fails is what was looked for.
        return summary.Passed == (planted == PlantedBug.None) ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private async Task<SimulationSummary> RunWorldsAsync(VerbContext context, PlantedBug planted)
    {
        var soak = context.Get(_soak);
        var first = context.Get(_seed) ?? (soak == null ? 1 : (ulong)Random.Shared.NextInt64(1, 1L << 40));
        var size = context.Get(_full) ? SimulationSize.Full : SimulationSize.Light;
        var count = soak == null ? context.Get(_seeds) : int.MaxValue;
        SimulationMachine[] machines = context.Get(_machine) is { } one ? [one]
            : planted != PlantedBug.None ? [SimulationRunner.MachineOf(planted)]
            : Enum.GetValues<SimulationMachine>();
        if (context.Get(_trace) && count == 1)
        {
            var summary = new SimulationSummary();
            foreach (var machine in machines)
            {
                summary.Add(SimulationRunner.RunSeed(first, size, planted, context.Host.Out.WriteLine, machine));
            }

            return summary;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.Cancellation);
        if (soak is { } time)
        {
            stop.CancelAfter(time);
        }

        var token = stop.Token;
        var worlds = Enumerable.Range(0, count)
            .SelectMany(i => machines.Select(machine => (first + (ulong)i, machine)));
        var threads = Math.Min(context.Get(_threads), count);
        SimulationSummary Run(IProgress<SeedResult>? progress) =>
            SimulationRunner.RunMany(worlds, size, planted, threads, progress, token);

        if (!context.Host.ErrorIsTerminal || context.Json)
        {
            return await Task.Run(() => Run(progress: null), CancellationToken.None).ConfigureAwait(false);
        }

        return await context.Error.Progress()
            .AutoClear(enabled: true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn())
            .StartAsync(async bar =>
            {
                var task = bar.AddTask("worlds", maxValue: soak?.TotalSeconds ?? ((double)count * machines.Length));
                var progress = new Bar(task, soak == null ? null : Stopwatch.StartNew());
                return await Task.Run(() => Run(progress), CancellationToken.None).ConfigureAwait(false);
            })
            .ConfigureAwait(false);
    }

    private static void Show(VerbContext context, SimulationSummary summary, SimReport report)
    {
        foreach (var failure in summary.Failures.Take(5))
        {
            context.Host.Out.WriteLine(failure.Report(TraceLines));
        }

        if (summary.Failures.Count > 5)
        {
            context.Host.Out.WriteLine($"and {summary.Failures.Count - 5} more");
        }

        var table = Consoles.NumberTable("WHAT", "COUNT");
        foreach (var (name, value) in report.Rows())
        {
            table.AddRow(new Text(name), new Text(value));
        }

        context.Out.Write(table);
        context.Host.Out.WriteLine(
            report.Planted == null ? (summary.Passed ? "passed" : $"{summary.Failures.Count} failed")
            : summary.Passed ? $"{report.Planted}: not found"
            : $"{report.Planted}: found by seed {summary.Failures[0].Seed}");
    }

    private sealed class Bar(ProgressTask task, Stopwatch? clock) : IProgress<SeedResult>
    {
        private int _done;
        private int _failed;

        // Called by one worker at a time.
        public void Report(SeedResult value)
        {
            _done++;
            _failed += value.Passed ? 0 : 1;
            task.Description = _failed == 0 ? $"{_done} worlds" : $"{_done} worlds, {_failed} failed";
            task.Value = clock?.Elapsed.TotalSeconds ?? _done;
        }
    }
}

/// <summary>The document of <c>dfs sim --json</c>.</summary>
internal sealed record SimReport(
    string Commit,
    string? Planted,
    int Seeds,
    double Seconds,
    double VirtualHours,
    long Events,
    long Operations,
    long Elections,
    long Commits,
    long Snapshots,
    long MembershipChanges,
    IReadOnlyDictionary<string, long> Faults,
    string? TraceHash,
    SimFailure[] Failures)
{
    public static SimReport Of(SimulationSummary summary, PlantedBug planted, TimeSpan elapsed) => new(
        ProductVersion.Current.Commit,
        planted == PlantedBug.None ? null : planted.ToString(),
        summary.Seeds,
        Math.Round(elapsed.TotalSeconds, 1),
        Math.Round(summary.VirtualTime.TotalHours, 3),
        summary.Events,
        summary.OperationsDone,
        summary.Elections,
        summary.Commits,
        summary.Snapshots,
        summary.MembershipChanges,
        summary.FaultsInjected.ToDictionary(fault => fault.Key.ToString(), fault => fault.Value),
        summary.Seeds == 1 ? summary.LastTraceHash.ToString("x16", CultureInfo.InvariantCulture) : null,
        [.. summary.Failures.Select(failure => new SimFailure(failure.Seed, failure.Failure!, failure.Command))]);

    /// <summary>For people.</summary>
    public IEnumerable<(string Name, string Value)> Rows()
    {
        yield return ("commit", Commit.Length == 0 ? "unknown" : Commit[..Math.Min(12, Commit.Length)]);
        yield return ("worlds", Number(Seeds));
        yield return ("seconds", Seconds.ToString("F1", CultureInfo.InvariantCulture));
        yield return ("virtual hours", VirtualHours.ToString("F2", CultureInfo.InvariantCulture));
        yield return ("events", Number(Events));
        yield return ("operations", Number(Operations));
        yield return ("elections", Number(Elections));
        yield return ("commits", Number(Commits));
        yield return ("snapshots", Number(Snapshots));
        yield return ("membership changes", Number(MembershipChanges));
        foreach (var (kind, count) in Faults)
        {
            yield return ($"fault: {kind}", Number(count));
        }

        if (TraceHash != null)
        {
            yield return ("trace hash", TraceHash);
        }
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}

/// <summary>One world that failed.</summary>
internal sealed record SimFailure(ulong Seed, string Failure, string Command);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SimReport))]
internal sealed partial class SimJson : JsonSerializerContext;
