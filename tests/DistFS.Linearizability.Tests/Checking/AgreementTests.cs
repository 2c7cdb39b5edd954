using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

/// <summary>The checker and brute force agree on thousands of small random histories, right and wrong.</summary>
public sealed class AgreementTests
{
    private const int Histories = 3_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void On_registers(bool uniqueValues) =>
        Agree(new RegisterModel(), () => new SimulatedRegister(uniqueValues), seed: 1);

    [Fact]
    public void On_lists() => Agree(new AppendListModel(), () => new SimulatedList(isSet: false), seed: 2);

    [Fact]
    public void On_sets() => Agree(new AppendSetModel(), () => new SimulatedList(isSet: true), seed: 3);

    [Fact]
    public void On_namespaces() => Agree(new NamespaceModel(), () => new SimulatedNamespace(), seed: 4);

    [Fact]
    public void On_locks() => Agree(new LockModel(), () => new SimulatedLock(), seed: 5);

    private static void Agree<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model, Func<SimulatedObject<TInput, TOutput>> makeObject, ulong seed)
        where TState : notnull, IEquatable<TState>
    {
        int legal = 0, illegal = 0;
        var random = new Prng(seed);
        for (var i = 0; i < Histories; i++)
        {
            var simulated = makeObject();
            var history = RandomHistory.Make(
                random, simulated, random.NextInt32(2, 5), random.NextInt32(3, 8), random.NextDouble() * 0.6);
            Witness.Holds(model, history, LinearizabilityChecker.Check(model, history));

            var completed = Enumerable.Range(0, history.Count).Where(index => !history[index].IsPending).ToArray();
            for (var mutations = random.NextInt32(1, 3); completed.Length > 0 && mutations > 0; mutations--)
            {
                var index = completed[random.NextInt32(completed.Length)];
                history = RandomHistory.WithAnswer(
                    history, index, simulated.NextOutput(history[index].Input, random));
            }

            var result = LinearizabilityChecker.Check(model, history);
            if (BruteForce.IsLinearizable(model, history))
            {
                Witness.Holds(model, history, result);
                legal++;
            }
            else
            {
                Assert.True(result.Verdict == Verdict.Illegal, string.Join('\n', history));
                IsFirstImpossible(model, history, result.Culprits);
                illegal++;
            }
        }

        Assert.True(legal > Histories / 10 && illegal > Histories / 10, $"{legal} legal, {illegal} illegal");
    }

    /// <summary>
    /// Without the culprits' answers and all later ones the history is right, and with the culprits' it is not.
    /// </summary>
    private static void IsFirstImpossible<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model, History<TInput, TOutput> history, IReadOnlyList<int> culprits)
        where TState : notnull, IEquatable<TState>
    {
        var time = history[culprits[0]].ReturnTime;
        Assert.True(BruteForce.IsLinearizable(model, Before(time)));
        Assert.False(BruteForce.IsLinearizable(model, Before(time + 1)));

        List<Operation<TInput, TOutput>> Before(long end) =>
        [
            .. history
                .Where(operation => operation.InvokeTime < end)
                .Select(operation => operation.ReturnTime < end
                    ? operation
                    : Operation.Pending<TInput, TOutput>(operation.Client, operation.InvokeTime, operation.Input)),
        ];
    }
}
