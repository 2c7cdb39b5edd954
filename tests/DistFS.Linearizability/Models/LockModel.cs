using System.Globalization;

namespace DistFS.Linearizability;

/// <summary>
/// A lock for one holder at a time whose every acquisition gives a fencing token, greater than all before (Kleppmann,
/// "How to do distributed locking", 2016). If leases end, record a <see cref="LockInput.Break"/> for each end: pending
/// from the earliest moment at which the service may take the lock back.
/// </summary>
/// <remarks>
/// The token of a pending acquisition is unknown until an answer tells it. Until then the model denies no token that is
/// great enough, but does not keep account of which ones were denied: a token nobody was given is asked about only by a
/// test that forges one.
/// </remarks>
public sealed class LockModel : IModel<LockState, LockInput, LockOutput>
{
    /// <summary>What the answers of a history tell; null: nothing.</summary>
    private readonly Answers? _answers;

    /// <summary>A free lock whose first token is positive.</summary>
    public LockModel()
    {
    }

    private LockModel(Answers answers) => _answers = answers;

    /// <inheritdoc/>
    public LockState Initial => default;

    /// <inheritdoc/>
    public bool TryStep(LockState state, LockInput input, LockOutput output, out LockState next)
    {
        var after = input.Kind switch
        {
            LockInputKind.Acquire => Acquire(state, output),
            LockInputKind.Release => Answer(state, input.Token, output) is { } answered
                ? output.Kind == LockOutputKind.Yes ? Free(answered) : answered
                : null,
            LockInputKind.Check => Answer(state, input.Token, output),
            _ => output.Kind == LockOutputKind.Yes ? Free(state) : null,
        };
        next = after ?? state;
        return after is not null;
    }

    /// <inheritdoc/>
    public LockState StepUnknown(LockState state, LockInput input) => input.Kind switch
    {
        LockInputKind.Acquire when !state.IsHeld && _answers?.HasRoomAfter(state.Token) != false =>
            new LockState(true, state.Token + 1, IsTokenKnown: false, UsersLeft: 0, IsUnseen: _answers is not null),
        LockInputKind.Release when MayHold(state, input.Token) => Free(state) is { } free
            ? free with { Token = input.Token }
            : state,
        LockInputKind.Break => Free(state) ?? state,
        _ => state,
    };

    /// <summary>
    /// Tokens grow, so grants come in the order of their tokens, a lock is not given back while somebody is still to
    /// see its token valid, and a pending acquisition that nobody sees explains nothing.
    /// </summary>
    public IModel<LockState, LockInput, LockOutput> For(IReadOnlyList<Operation<LockInput, LockOutput>> operations) =>
        new LockModel(new Answers(operations));

    private LockState? Acquire(LockState state, LockOutput output) => output.Kind switch
    {
        LockOutputKind.Busy when state.IsHeld => state with { IsUnseen = false },
        LockOutputKind.Granted when !state.IsHeld && output.Token > state.Token
            && _answers?.IsGrantedBetween(state.Token, output.Token) != true => Hold(output.Token),
        _ => null,
    };

    /// <summary>A release or check: yes if the token is the holder's, and no otherwise.</summary>
    private LockState? Answer(LockState state, long token, LockOutput output)
    {
        if (output.Kind == LockOutputKind.No)
        {
            return state.IsHeld && state.IsTokenKnown && state.Token == token ? null : state;
        }

        if (output.Kind != LockOutputKind.Yes || !MayHold(state, token))
        {
            return null;
        }

        var held = state.IsTokenKnown ? state : Hold(token);
        return held with { UsersLeft = Math.Max(0, held.UsersLeft - 1) };
    }

    private LockState Hold(long token) =>
        new(true, token, IsTokenKnown: true, _answers?.UsersOf(token) ?? 0, IsUnseen: false);

    private static bool MayHold(LockState state, long token) =>
        state.IsHeld && (state.IsTokenKnown ? token == state.Token : token >= state.Token);

    /// <summary>Null if, by what the history tells, this is not the moment.</summary>
    private static LockState? Free(LockState state) =>
        state.UsersLeft == 0 && !state.IsUnseen ? new LockState(false, state.Token, false, 0, false) : null;

    private sealed class Answers
    {
        private readonly Dictionary<long, int> _users = [];
        private readonly long[] _grants;

        public Answers(IReadOnlyList<Operation<LockInput, LockOutput>> operations)
        {
            var completed = operations.Where(operation => !operation.IsPending).ToList();
            _grants =
            [
                .. completed
                    .Where(operation => operation.Output.Kind == LockOutputKind.Granted)
                    .Select(operation => operation.Output.Token)
                    .Order(),
            ];
            foreach (var operation in completed)
            {
                if (operation.Output.Kind == LockOutputKind.Yes)
                {
                    _users[operation.Input.Token] = UsersOf(operation.Input.Token) + 1;
                }
            }
        }

        /// <summary>How many answers say that the token is valid.</summary>
        public int UsersOf(long token) => _users.GetValueOrDefault(token);

        /// <summary>Whether a token between these was given, which then must come first.</summary>
        public bool IsGrantedBetween(long low, long high) => NextGrant(low) < high;

        /// <summary>Whether another token fits between this one and the next that was given.</summary>
        public bool HasRoomAfter(long token) => NextGrant(token) > token + 1;

        private long NextGrant(long token)
        {
            var place = Array.BinarySearch(_grants, token + 1);
            place = place >= 0 ? place : ~place;
            return place < _grants.Length ? _grants[place] : long.MaxValue;
        }
    }
}

/// <summary>Who has the lock, and what the history says must happen before it is given back.</summary>
/// <param name="IsHeld">Whether anybody has it.</param>
/// <param name="Token">The last token given; if it is not known, the smallest that it can be.</param>
/// <param name="IsTokenKnown">Whether an answer told the holder's token; false if free.</param>
/// <param name="UsersLeft">How many operations are known to see the token valid and did not yet; 0 in a plain
/// model.</param>
/// <param name="IsUnseen">Whether a pending acquisition has it and nobody noticed; false in a plain model.</param>
public readonly record struct LockState(bool IsHeld, long Token, bool IsTokenKnown, int UsersLeft, bool IsUnseen)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(IsHeld ? "held" : "free")}, token {Token}{(IsHeld && !IsTokenKnown ? " or greater" : "")}");
}
