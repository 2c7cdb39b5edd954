using DistFS.Primitives;
using Pair = (DistFS.Linearizability.RegisterState First, DistFS.Linearizability.RegisterState Second);

namespace DistFS.Linearizability.Tests;

public sealed class KeyedModelTests
{
    private static readonly KeyedModel<int, RegisterState, RegisterInput, RegisterOutput> Keyed =
        new(new RegisterModel());

    /// <summary>
    /// Horn and Kroening (2015): a history is linearizable if and only if the part of each key is. Here the whole is
    /// checked without parts, as one array of registers.
    /// </summary>
    [Fact]
    public void Parts_together_give_the_verdict_on_the_whole()
    {
        int legal = 0, illegal = 0;
        var random = new Prng(41);
        for (var i = 0; i < 2_000; i++)
        {
            var simulated = new SimulatedRegisters();
            var history = RandomHistory.Make(random, simulated, 3, 7, 0.2);
            var completed = Enumerable.Range(0, history.Count).Where(index => !history[index].IsPending).ToArray();
            if (completed.Length > 0 && i % 4 != 0)
            {
                var index = completed[random.NextInt32(completed.Length)];
                history = RandomHistory.WithAnswer(
                    history, index, simulated.NextOutput(history[index].Input, random));
            }

            var result = LinearizabilityChecker.Check(Keyed, history);
            var whole = LinearizabilityChecker.Check(new WholeModel(), history);
            Assert.Equal(whole.Verdict, result.Verdict);
            Assert.Equal(whole.IsLinearizable, BruteForce.IsLinearizable(new WholeModel(), history));
            _ = result.IsLinearizable ? legal++ : illegal++;
        }

        Assert.True(legal > 500 && illegal > 300, $"{legal} legal, {illegal} illegal");
    }

    [Fact]
    public void A_part_holds_one_key_and_indices_of_the_whole()
    {
        var history = RandomHistory.Make(new Prng(42), new SimulatedRegisters(), 8, 2_000, 0.01);
        var result = LinearizabilityChecker.Check(Keyed, history);
        Witness.Holds(Keyed, history, result);
        Assert.Equal([0, 1], result.Parts.Select(part => (int)part.Key!).Order());
        Assert.Equal(result.Steps, result.Parts.Sum(part => part.Steps));
    }

    /// <summary>One stale key among fresh ones.</summary>
    [Fact]
    public void Illegal_stale_read_of_one_key()
    {
        var result = LinearizabilityChecker.Check(Keyed, new History<Keyed<int, RegisterInput>, RegisterOutput>(
        [
            Op(1, 0, 10, new(1, RegisterInput.Write(1)), RegisterOutput.Ok),
            Op(1, 20, 30, new(2, RegisterInput.Write(2)), RegisterOutput.Ok),
            Op(2, 40, 50, new(1, RegisterInput.Read), RegisterOutput.Of(1)),
            Op(2, 60, 70, new(2, RegisterInput.Read), RegisterOutput.Of(0)),
        ]));
        Assert.Equal([Verdict.Linearizable, Verdict.Illegal], result.Parts.Select(part => part.Verdict));
        Assert.Equal([3], result.Culprits);
        Assert.StartsWith("Not linearizable (2: 2 operations", result.Explanation, StringComparison.Ordinal);
        Assert.Contains("\n > #3 client 2 [60 .. 70] 2: read -> 0", result.Explanation, StringComparison.Ordinal);
    }

    private static Operation<Keyed<int, RegisterInput>, RegisterOutput> Op(
        long client, long from, long to, Keyed<int, RegisterInput> input, RegisterOutput output) =>
        Operation.Completed(client, from, to, input, output);

    private sealed class SimulatedRegisters : SimulatedObject<Keyed<int, RegisterInput>, RegisterOutput>
    {
        private readonly SimulatedRegister[] _registers = [new(uniqueValues: false), new(uniqueValues: false)];

        public override Keyed<int, RegisterInput> NextInput(Prng random)
        {
            var key = random.NextInt32(_registers.Length);
            return new(key, _registers[key].NextInput(random));
        }

        public override RegisterOutput Apply(Keyed<int, RegisterInput> input) =>
            _registers[input.Key].Apply(input.Input);

        public override RegisterOutput NextOutput(Keyed<int, RegisterInput> input, Prng random) =>
            _registers[input.Key].NextOutput(input.Input, random);
    }

    /// <summary>Two registers as one object without parts.</summary>
    private sealed class WholeModel : IModel<Pair, Keyed<int, RegisterInput>, RegisterOutput>
    {
        private static readonly RegisterModel Register = new();

        public Pair Initial => (Register.Initial, Register.Initial);

        public bool TryStep(Pair state, Keyed<int, RegisterInput> input, RegisterOutput output, out Pair next)
        {
            var right = Register.TryStep(Of(state, input.Key), input.Input, output, out var value);
            next = With(state, input.Key, value);
            return right;
        }

        public Pair StepUnknown(Pair state, Keyed<int, RegisterInput> input) =>
            With(state, input.Key, Register.StepUnknown(Of(state, input.Key), input.Input));

        private static RegisterState Of(Pair state, int key) => key == 0 ? state.First : state.Second;

        private static Pair With(Pair state, int key, RegisterState value) =>
            key == 0 ? (value, state.Second) : (state.First, value);
    }
}
