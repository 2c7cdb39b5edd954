using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

/// <summary>
/// Runs an object under random clients: each operation takes effect at one moment between its call and its answer, or,
/// if its client is lost, at any later moment or never. So the history is linearizable by construction.
/// </summary>
internal static class RandomHistory
{
    /// <param name="random">Decides everything.</param>
    /// <param name="simulated">The object.</param>
    /// <param name="clients">How many operations overlap at most, lost ones aside.</param>
    /// <param name="operations">How many are called.</param>
    /// <param name="lossChance">Of an operation: that its outcome stays unknown.</param>
    public static History<TInput, TOutput> Make<TInput, TOutput>(
        Prng random, SimulatedObject<TInput, TOutput> simulated, int clients, int operations, double lossChance)
    {
        var recorder = new HistoryRecorder<TInput, TOutput>();
        var running = new Run<TInput, TOutput>?[clients];
        var lost = new List<TInput>();
        for (long time = 0; recorder.Count < operations || running.Any(run => run is not null); time++)
        {
            if (lost.Count > 0 && random.Chance(0.05))
            {
                var late = random.NextInt32(lost.Count);
                _ = simulated.Apply(lost[late]);
                lost.RemoveAt(late);
            }

            ref var slot = ref running[random.NextInt32(clients)];
            if (slot is not { } run)
            {
                if (recorder.Count < operations)
                {
                    var input = simulated.NextInput(random);
                    slot = new(input, recorder.Invoke(recorder.Count, input, time));
                }
            }
            else if (random.Chance(lossChance / 2))
            {
                // Half of the chance before the effect and half after it.
                run.Handle.Unknown();
                if (!run.IsApplied)
                {
                    lost.Add(run.Input);
                }

                slot = null;
            }
            else if (!run.IsApplied)
            {
                run.Output = simulated.Apply(run.Input);
                run.IsApplied = true;
            }
            else
            {
                run.Handle.Return(run.Output!, time);
                slot = null;
            }
        }

        return recorder.ToHistory();
    }

    /// <summary>The same history with another answer to one operation.</summary>
    public static History<TInput, TOutput> WithAnswer<TInput, TOutput>(
        History<TInput, TOutput> history, int index, TOutput output) =>
        new(history.Select((operation, i) => i == index
            ? Operation.Completed(
                operation.Client, operation.InvokeTime, operation.ReturnTime, operation.Input, output)
            : operation));

    private sealed class Run<TInput, TOutput>(TInput input, OpenOperation<TInput, TOutput> handle)
    {
        public TInput Input => input;

        public OpenOperation<TInput, TOutput> Handle => handle;

        public TOutput? Output { get; set; }

        public bool IsApplied { get; set; }
    }
}
