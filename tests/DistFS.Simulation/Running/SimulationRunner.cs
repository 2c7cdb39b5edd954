using DistFS.Primitives;
using DistFS.Simulation.Chains;

namespace DistFS.Simulation;

/// <summary>Runs worlds.</summary>
public static class SimulationRunner
{
    /// <summary>Threads that are used when nothing else is said.</summary>
    public const int ThreadsDefault = 2;

    /// <summary>Runs the world of one seed, on this thread.</summary>
    /// <param name="seed">Which world.</param>
    /// <param name="size">How long.</param>
    /// <param name="planted">A bug to plant in it; only test builds can.</param>
    /// <param name="listener">Gets every line of the trace as it comes, or null.</param>
    /// <param name="machine">What the members run.</param>
    /// <exception cref="NotSupportedException">A bug is to be planted, and this is a product build.</exception>
    public static SeedResult RunSeed(
        ulong seed,
        SimulationSize size,
        PlantedBug planted = PlantedBug.None,
        Action<string>? listener = null,
        SimulationMachine machine = SimulationMachine.Registers)
    {
        Check.ThrowInsteadOfFailFast();
        Teeth.Plant(planted);
        try
        {
            if (machine == SimulationMachine.Chunks)
            {
                return RunChains(seed, size, planted, listener);
            }

            var world = new World(seed, size, machine);
            world.Trace.Listener = listener;
            return Result(world, Failure(world.Run, world.Trace), seed, size, planted, machine);
        }
        finally
        {
            Teeth.Plant(PlantedBug.None);
        }
    }

    /// <summary>Runs many seeds on some threads; each world stays on one.</summary>
    /// <param name="seeds">Which worlds.</param>
    /// <param name="size">How long each.</param>
    /// <param name="threads">On how many threads.</param>
    /// <param name="progress">Told of each result, or null.</param>
    /// <param name="machine">What the members run.</param>
    /// <param name="stop">No further seed is begun after it is cancelled.</param>
    public static SimulationSummary RunMany(
        IEnumerable<ulong> seeds,
        SimulationSize size,
        int threads = ThreadsDefault,
        IProgress<SeedResult>? progress = null,
        SimulationMachine machine = SimulationMachine.Registers,
        CancellationToken stop = default) =>
        RunMany(
            seeds.Select(seed => (seed, machine)), size, PlantedBug.None, threads, progress, static _ => false, stop);

    /// <summary>Runs many worlds; with a planted bug until one finds it.</summary>
    /// <param name="worlds">Which, in order.</param>
    /// <param name="size">How long each.</param>
    /// <param name="planted">A bug to plant in them, or none.</param>
    /// <param name="threads">On how many threads.</param>
    /// <param name="progress">Told of each result, or null.</param>
    /// <param name="stop">No further world is begun after it is cancelled.</param>
    public static SimulationSummary RunMany(
        IEnumerable<(ulong Seed, SimulationMachine Machine)> worlds,
        SimulationSize size,
        PlantedBug planted,
        int threads,
        IProgress<SeedResult>? progress,
        CancellationToken stop) => RunMany(
            worlds,
            size,
            planted,
            threads,
            progress,
            result => planted != PlantedBug.None && !result.Passed,
            stop);

    /// <summary>
    /// Runs light seeds with a planted bug until one fails that passes without it; null if none does.
    /// </summary>
    /// <param name="planted">The bug; its place says which machine runs.</param>
    /// <param name="seeds">Which worlds may be tried.</param>
    /// <param name="threads">On how many threads.</param>
    /// <param name="stop">No further seed is begun after it is cancelled.</param>
    public static SeedResult? Find(
        PlantedBug planted, IEnumerable<ulong> seeds, int threads = ThreadsDefault, CancellationToken stop = default)
    {
        var summary = RunMany(
            seeds.Select(seed => (seed, MachineOf(planted))),
            SimulationSize.Light,
            planted,
            threads,
            progress: null,
            IsFinding,
            stop);
        return summary.Failures.FirstOrDefault(IsFinding);
    }

    /// <summary>The machine whose worlds can find a bug.</summary>
    public static SimulationMachine MachineOf(PlantedBug planted) =>
        planted >= PlantedBug.AcknowledgedBeforeTail ? SimulationMachine.Chunks
        : planted >= PlantedBug.ReplyNotSaved ? SimulationMachine.Metadata
        : SimulationMachine.Registers;

    private static bool IsFinding(SeedResult result) =>
        !result.Passed && RunSeed(result.Seed, result.Size, machine: result.Machine).Passed;

    private static SimulationSummary RunMany(
        IEnumerable<(ulong Seed, SimulationMachine Machine)> worlds,
        SimulationSize size,
        PlantedBug planted,
        int threads,
        IProgress<SeedResult>? progress,
        Func<SeedResult, bool> isEnough,
        CancellationToken stop)
    {
        var summary = new SimulationSummary();
        using var next = worlds.GetEnumerator();
        var enough = false;
        var gate = new Lock();

        void Work()
        {
            while (true)
            {
                (ulong Seed, SimulationMachine Machine) world;
                lock (gate)
                {
                    if (enough || stop.IsCancellationRequested || !next.MoveNext())
                    {
                        return;
                    }

                    world = next.Current;
                }

                var result = RunSeed(world.Seed, size, planted, machine: world.Machine);
                var suffices = isEnough(result);
                lock (gate)
                {
                    summary.Add(result);
                    enough |= suffices;
                    progress?.Report(result);
                }
            }
        }

        // Threads of their own: a planted bug belongs to a thread, and a world should not starve a pool.
        var workers = Enumerable.Range(0, threads).Select(_ => new Thread(Work)).ToArray();
        Array.ForEach(workers, static worker => worker.Start());
        Array.ForEach(workers, static worker => worker.Join());
        return summary;
    }

    private static SeedResult RunChains(
        ulong seed, SimulationSize size, PlantedBug planted, Action<string>? listener)
    {
        // The shells' continuations run where they are completed, as on a thread of the pool.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var world = new ChainWorld(seed, size);
            world.Trace.Listener = listener;
            var failure = Failure(world.Run, world.Trace);
            return new SeedResult
            {
                Seed = seed,
                Machine = SimulationMachine.Chunks,
                Size = size,
                Planted = planted,
                Failure = failure,
                TraceHash = world.Trace.Hash,
                VirtualTime = TimeSpan.FromMicroseconds(world.Queue.Now),
                Events = world.Queue.Done,
                OperationsDone = world.OperationsDone,
                FaultsInjected = new Dictionary<FaultKind, long>(),
                Outcomes = world.Counts,
                TraceTail = failure == null ? [] : [.. world.Trace.Tail],
            };
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private static string? Failure(Action run, Trace trace)
    {
        try
        {
            run();
            return null;
        }
        catch (Exception error) when (error is InvariantException or CheckFailedException)
        {
            trace.Line($"FAILED: {error.Message}");
            return error is CheckFailedException ? $"{error.Message}\n{error.StackTrace}" : error.Message;
        }
        catch (Exception error)
        {
            // Whatever else comes out of the cores is a defect as well, and what a seed is to report.
            trace.Line($"FAILED: {error.GetType().Name}: {error.Message}");
            return error.ToString();
        }
    }

    private static SeedResult Result(
        World world,
        string? failure,
        ulong seed,
        SimulationSize size,
        PlantedBug planted,
        SimulationMachine machine) => new()
        {
            Seed = seed,
            Machine = machine,
            Size = size,
            Planted = planted,
            Failure = failure,
            TraceHash = world.Trace.Hash,
            VirtualTime = TimeSpan.FromMicroseconds(world.Queue.Now),
            Events = world.Queue.Done,
            OperationsDone = world.OperationsDone,
            Elections = world.Invariants.Elections.Elections,
            Commits = (long)world.Invariants.Oracle.Commit.Value,
            Snapshots = world.Snapshots,
            MembershipChanges = world.Operator.Changes,
            FaultsInjected = world.Injector.Counts,
            Outcomes = world.Workload.Counts,
            TraceTail = failure == null ? [] : [.. world.Trace.Tail],
        };
}
