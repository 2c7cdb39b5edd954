using System.Globalization;

namespace DistFS.Linearizability;

/// <summary>
/// One value that is written, read, and compared and swapped. Write values that are unique in a history: the check is
/// then much faster, and a lost write cannot hide behind another one.
/// </summary>
public sealed class RegisterModel : IModel<RegisterState, RegisterInput, RegisterOutput>
{
    /// <summary>What the answers of a history tell; null: nothing.</summary>
    private readonly Answers? _answers;

    /// <summary>A register that has a value before the first write.</summary>
    public RegisterModel(long initial = 0) => Initial = new RegisterState(initial, 0, null, 0);

    private RegisterModel(long initial, Answers answers) =>
        (_answers, Initial) = (answers, new RegisterState(initial, answers.ReadersOf(initial), null, 0));

    /// <inheritdoc/>
    public RegisterState Initial { get; }

    /// <inheritdoc/>
    public bool TryStep(RegisterState state, RegisterInput input, RegisterOutput output, out RegisterState next)
    {
        var isHopeless = _answers is { HasImpossible: true }
            || (state.MustRefuse is not null && output != RegisterOutput.NotSwapped);
        var after = isHopeless
            ? null
            : input.Kind switch
            {
                RegisterInputKind.Read => Read(state, output),
                RegisterInputKind.Write => Write(state, input, output),
                _ => CompareAndSwap(state, input, output),
            };
        next = after ?? state;
        return after is not null;
    }

    /// <inheritdoc/>
    public RegisterState StepUnknown(RegisterState state, RegisterInput input)
    {
        var writes = input.Kind == RegisterInputKind.Write
            || (input.Kind == RegisterInputKind.CompareAndSwap && input.Expected == state.Value);
        if (!writes || state.ReadersLeft > 0 || state.MustRefuse is not null)
        {
            return state;
        }

        if (_answers?.WasSeen(input.Value) != false)
        {
            return With(state, input.Value);
        }

        // Nobody saw the value, so all that it can explain is a refused swap, right after it. Any such write is as good
        // as another, so they are used in the order of their calls.
        var isSwap = input.Kind == RegisterInputKind.CompareAndSwap;
        return _answers.HasRefusals && (isSwap || _answers.IsHidden(state.HiddenUsed, input.Value))
            ? new RegisterState(input.Value, 0, state.Value, state.HiddenUsed + (isSwap ? 0 : 1))
            : state;
    }

    /// <summary>
    /// A value that only one operation can write must not be replaced while somebody is still to read it, and a pending
    /// write that nobody saw explains nothing but a refused swap.
    /// </summary>
    public IModel<RegisterState, RegisterInput, RegisterOutput> For(
        IReadOnlyList<Operation<RegisterInput, RegisterOutput>> operations) =>
        new RegisterModel(Initial.Value, new Answers(Initial.Value, operations));

    private static RegisterState? Read(RegisterState state, RegisterOutput output) =>
        output == RegisterOutput.Of(state.Value)
            ? state with { ReadersLeft = Math.Max(0, state.ReadersLeft - 1) }
            : null;

    private RegisterState? Write(RegisterState state, RegisterInput input, RegisterOutput output) =>
        output == RegisterOutput.Ok && state.ReadersLeft == 0 ? With(state, input.Value) : null;

    private RegisterState? CompareAndSwap(RegisterState state, RegisterInput input, RegisterOutput output)
    {
        if (state.Value != input.Expected)
        {
            var isRight = output == RegisterOutput.NotSwapped
                && (state.MustRefuse is null || state.MustRefuse == input.Expected);
            return isRight ? state with { MustRefuse = null } : null;
        }

        // It is itself one of the readers that are left.
        return output == RegisterOutput.Swapped && state.ReadersLeft <= 1 ? With(state, input.Value) : null;
    }

    private RegisterState With(RegisterState state, long value) =>
        state with { Value = value, ReadersLeft = _answers?.ReadersOf(value) ?? 0 };

    private sealed class Answers
    {
        private readonly Dictionary<long, int> _sources = [];
        private readonly Dictionary<long, int> _readers = [];
        private readonly HashSet<long> _expected = [];
        private readonly List<long> _hidden = [];

        public Answers(long initial, IReadOnlyList<Operation<RegisterInput, RegisterOutput>> operations)
        {
            Add(_sources, initial);
            foreach (var operation in operations)
            {
                var (input, output) = (operation.Input, operation.Output);
                var isRefused = !operation.IsPending && output == RegisterOutput.NotSwapped;
                HasRefusals |= isRefused;
                if (input.Kind != RegisterInputKind.Read && !isRefused)
                {
                    Add(_sources, input.Value);
                }

                if (input.Kind == RegisterInputKind.CompareAndSwap)
                {
                    _expected.Add(input.Expected);
                }

                if (!operation.IsPending && output.Kind == RegisterOutputKind.Value)
                {
                    Add(_readers, output.Value);
                }
                else if (!operation.IsPending && output.Kind == RegisterOutputKind.Swapped)
                {
                    Add(_readers, input.Expected);
                }
            }

            HasImpossible = _readers.Keys.Any(value => !_sources.ContainsKey(value));
            _hidden.AddRange(operations
                .Where(o => o.IsPending && o.Input.Kind == RegisterInputKind.Write && !WasSeen(o.Input.Value))
                .Select(o => o.Input.Value));
        }

        /// <summary>Whether a value was seen that nothing writes.</summary>
        public bool HasImpossible { get; }

        public bool HasRefusals { get; }

        public bool WasSeen(long value) => _readers.ContainsKey(value) || _expected.Contains(value);

        /// <summary>Whether this is the value of the pending write with this number among those nobody saw.</summary>
        public bool IsHidden(int number, long value) => number < _hidden.Count && _hidden[number] == value;

        /// <summary>How many answers show the value; 0 also if they do not tell which write they show.</summary>
        public int ReadersOf(long value) =>
            _sources.GetValueOrDefault(value) == 1 ? _readers.GetValueOrDefault(value) : 0;

        private static void Add(Dictionary<long, int> counts, long value) =>
            counts[value] = counts.GetValueOrDefault(value) + 1;
    }
}

/// <summary>A register's value, and what the history says must happen before the next.</summary>
/// <param name="Value">The value.</param>
/// <param name="ReadersLeft">How many operations are known to see this value and did not yet; 0 in a plain
/// model.</param>
/// <param name="MustRefuse">If not null, the next operation is a refused swap that expected this; null in a plain
/// model.</param>
/// <param name="HiddenUsed">How many pending writes took effect whose values nobody saw; 0 in a plain model.</param>
public readonly record struct RegisterState(long Value, int ReadersLeft, long? MustRefuse, int HiddenUsed)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
