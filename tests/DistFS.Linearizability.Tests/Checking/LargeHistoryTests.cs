using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

/// <summary>
/// Histories of the size that tests with real processes give. The bounds are steps, not seconds: a step of a register
/// was measured at 0.1 to 1 us, so 200,000 are well below a second.
/// </summary>
public sealed class LargeHistoryTests
{
    private const int Clients = 8;
    private const int Operations = 2_000;
    private const long StepsMax = 200_000;

    [Theory]
    [InlineData(0)]
    [InlineData(0.02)]
    [InlineData(0.1)]
    public void Registers(double lossChance) =>
        Accepts(new RegisterModel(), () => new SimulatedRegister(uniqueValues: true), lossChance, seeds: 5);

    [Theory]
    [InlineData(0)]
    [InlineData(0.05)]
    public void Lists(double lossChance) =>
        Accepts(new AppendListModel(), () => new SimulatedList(isSet: false), lossChance, seeds: 3);

    [Theory]
    [InlineData(0)]
    [InlineData(0.02)]
    public void Sets(double lossChance) =>
        Accepts(new AppendSetModel(), () => new SimulatedList(isSet: true), lossChance, seeds: 3);

    [Fact]
    public void Namespaces() => Accepts(new NamespaceModel(), () => new SimulatedNamespace(), 0.005, seeds: 5);

    [Fact]
    public void Locks() => Accepts(new LockModel(), () => new SimulatedLock(), 0.02, seeds: 5);

    /// <summary>A value that nobody wrote, at any place of a long history, is found and named.</summary>
    [Fact]
    public void One_wrong_answer_in_a_long_history_is_found()
    {
        var random = new Prng(21);
        for (var i = 0; i < 10; i++)
        {
            var history = RandomHistory.Make(random, new SimulatedRegister(true), Clients, Operations, 0.01);
            int[] reads =
            [
                .. Enumerable.Range(0, history.Count).Where(index =>
                    !history[index].IsPending && history[index].Input == RegisterInput.Read),
            ];
            var culprit = reads[random.NextInt32(reads.Length)];
            var result = LinearizabilityChecker.Check(
                new RegisterModel(), RandomHistory.WithAnswer(history, culprit, RegisterOutput.Of(-1)));
            Assert.Equal(Verdict.Illegal, result.Verdict);
            Assert.Equal([culprit], result.Culprits);
        }
    }

    /// <summary>A reader sees what was true 300 operations ago, among 40 pending operations.</summary>
    [Fact]
    public void One_stale_read_in_a_long_history_is_found()
    {
        var random = new Prng(23);
        for (var i = 0; i < 10; i++)
        {
            var history = RandomHistory.Make(random, new SimulatedRegister(true), Clients, Operations, 0.02);
            int[] reads =
            [
                .. Enumerable.Range(0, history.Count).Where(index =>
                    !history[index].IsPending && history[index].Input == RegisterInput.Read),
            ];
            var culprit = reads[random.NextInt32(300, reads.Length)];
            var stale = history[reads[Array.IndexOf(reads, culprit) - 150]].Output;
            var result = LinearizabilityChecker.Check(
                new RegisterModel(), RandomHistory.WithAnswer(history, culprit, stale));
            Assert.True(result.Verdict == Verdict.Illegal, result.Explanation);
            Assert.Equal([culprit], result.Culprits);
        }
    }

    /// <summary>Every operation overlaps with every other, and reads tell the order of the appends.</summary>
    [Fact]
    public void Many_concurrent_appends_are_ordered_by_what_was_read()
    {
        long[] values = [.. Enumerable.Range(1, 300).Select(value => (long)value)];
        new Prng(22).Shuffle<long>(values);
        var history = new History<AppendInput, AppendOutput>(
        [
            .. values.Order().Select(v => Operation.Completed(v, v, 1_000, AppendInput.Append(v), AppendOutput.Ok)),
            Operation.Completed(0, 2_000, 2_001, AppendInput.Read, AppendOutput.Of(values)),
        ]);
        var result = LinearizabilityChecker.Check(new AppendListModel(), history);
        Witness.Holds(new AppendListModel(), history, result);
        Assert.True(result.Steps < StepsMax, $"{result.Steps} steps");
    }

    private static void Accepts<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model,
        Func<SimulatedObject<TInput, TOutput>> makeObject,
        double lossChance,
        int seeds)
        where TState : notnull, IEquatable<TState>
    {
        for (var seed = 0; seed < seeds; seed++)
        {
            var history = RandomHistory.Make(new Prng((ulong)seed), makeObject(), Clients, Operations, lossChance);
            var result = LinearizabilityChecker.Check(model, history, new CheckerOptions { StepsMax = StepsMax });
            Assert.True(result.IsLinearizable, $"seed {seed}: {result}");
            Witness.Holds(model, history, result);
        }
    }
}
