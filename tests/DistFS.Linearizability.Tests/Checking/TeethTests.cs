using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

/// <summary>A planted bug proves the checker: objects that are wrong in ways that DistFS could be.</summary>
public sealed class TeethTests
{
    private const int Seeds = 100;

    /// <summary>Each seed runs 100 operations of 4 clients; most must show the bug.</summary>
    [Theory]
    [InlineData(Bug.None, 0, 0)]
    [InlineData(Bug.ReadsFromAFollower, 90, Seeds)]
    [InlineData(Bug.SwapWithoutAtomicity, 90, Seeds)]
    [InlineData(Bug.AnswersBeforeItWrites, 90, Seeds)]
    [InlineData(Bug.LosesAWriteNowAndThen, 70, Seeds)]
    public void A_planted_bug_is_found(Bug bug, int foundMin, int foundMax)
    {
        var found = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var random = new Prng((ulong)seed);
            var history = RandomHistory.Make(random, new BuggyRegister(bug, random.Fork()), 4, 100, 0.02);
            var result = LinearizabilityChecker.Check(new RegisterModel(), history);
            Assert.NotEqual(Verdict.Unknown, result.Verdict);
            found += result.IsLinearizable ? 0 : 1;
        }

        Assert.InRange(found, foundMin, foundMax);
    }

    public enum Bug
    {
        None,
        ReadsFromAFollower,
        SwapWithoutAtomicity,
        AnswersBeforeItWrites,
        LosesAWriteNowAndThen,
    }

    private sealed class BuggyRegister(Bug bug, Prng random) : SimulatedObject<RegisterInput, RegisterOutput>
    {
        private readonly Queue<long> _late = new();
        private long _value;
        private long _stale;

        public override RegisterInput NextInput(Prng _) => random.NextInt32(3) switch
        {
            0 => RegisterInput.Write(NextValue()),
            1 => RegisterInput.CompareAndSwap(_value, NextValue()),
            _ => RegisterInput.Read,
        };

        public override RegisterOutput Apply(RegisterInput input)
        {
            if (random.Chance(0.3) && _late.TryDequeue(out var late))
            {
                _value = late;
            }

            if (random.Chance(0.3))
            {
                _stale = _value;
            }

            if (input.Kind == RegisterInputKind.Read)
            {
                return RegisterOutput.Of(bug == Bug.ReadsFromAFollower ? _stale : _value);
            }

            if (input.Kind == RegisterInputKind.CompareAndSwap)
            {
                var seen = bug == Bug.SwapWithoutAtomicity ? _stale : _value;
                if (seen != input.Expected)
                {
                    return RegisterOutput.NotSwapped;
                }
            }

            if (bug == Bug.AnswersBeforeItWrites)
            {
                _late.Enqueue(input.Value);
            }
            else if (bug != Bug.LosesAWriteNowAndThen || !random.Chance(0.1))
            {
                _value = input.Value;
            }

            return input.Kind == RegisterInputKind.Write ? RegisterOutput.Ok : RegisterOutput.Swapped;
        }

        public override RegisterOutput NextOutput(RegisterInput input, Prng _) => Apply(input);
    }
}
