namespace DistFS.Linearizability;

/// <summary>
/// The search for an order of one part's operations. Depth first: at each point any operation may come next whose call
/// is before the first answer of those that are left. Pending operations have no answer, so they are never due: they
/// are tried last, and first those which make the operation that is due right.
/// </summary>
internal sealed class Search<TState, TInput, TOutput>
    where TState : notnull, IEquatable<TState>
{
    private readonly IModel<TState, TInput, TOutput> _model;
    private readonly Operation<TInput, TOutput>[] _completed;
    private readonly Operation<TInput, TOutput>[] _pending;
    private readonly int[] _indexOfCompleted;
    private readonly int[] _indexOfPending;
    private readonly EventList _events;
    private readonly PlacedSet _placed;
    private readonly Memo<TState> _memo = new();
    private readonly Stack<Frame> _stack = new();
    private readonly bool _isThrifty;
    private readonly long _stepsMax;

    private long _steps;
    private int _completedLeft;
    private TState _state;
    private Cursor _cursor;
    private PlacedSet.Window _window;
    private List<int> _longest = [];
    private int _longestCompleted = -1;
    private int _stuck = -1;

    private Search(
        IModel<TState, TInput, TOutput> model,
        IReadOnlyList<Operation<TInput, TOutput>> operations,
        bool isThrifty,
        long stepsMax)
    {
        _model = model.For(operations);
        _isThrifty = isThrifty;
        _stepsMax = stepsMax;
        _indexOfCompleted = [.. Enumerable.Range(0, operations.Count).Where(i => !operations[i].IsPending)];
        _indexOfPending = [.. Enumerable.Range(0, operations.Count).Where(i => operations[i].IsPending)];
        _completed = [.. _indexOfCompleted.Select(i => operations[i])];
        _pending = [.. _indexOfPending.Select(i => operations[i])];
        _events = new EventList(
            [.. _completed.Select(operation => operation.InvokeTime)],
            [.. _completed.Select(operation => operation.ReturnTime)],
            [.. _pending.Select(operation => operation.InvokeTime)]);
        _placed = new PlacedSet(_completed.Length, _pending.Length);
        _completedLeft = _completed.Length;
        _state = _model.Initial;
        _cursor = Start();
    }

    /// <summary>What is tried next at a point of the search, in this order.</summary>
    private enum Phase
    {
        /// <summary>Operations whose answer is known.</summary>
        Completed,

        /// <summary>Pending ones that make the operation right that is due and wrong.</summary>
        PendingThatHelp,

        /// <summary>Other pending ones: if thrifty those that make another operation right, else all.</summary>
        PendingOthers,
    }

    /// <summary>Searches until there is a verdict or the steps are used up.</summary>
    /// <param name="model">What is right.</param>
    /// <param name="operations">Of one part, in the order of their calls.</param>
    /// <param name="stepsMax">Calls of the model.</param>
    /// <remarks>
    /// In a dead end a full search tries every set of pending operations, that is 2^n, before it takes back the choice
    /// that was wrong. So first a thrifty search places pending operations only where one is needed at once; most
    /// histories that are right are found right by it. Only the full search can say that there is no order.
    /// </remarks>
    public static SearchOutcome Run(
        IModel<TState, TInput, TOutput> model, IReadOnlyList<Operation<TInput, TOutput>> operations, long stepsMax)
    {
        var hasPending = operations.Any(operation => operation.IsPending);
        var thriftyMax = hasPending ? Math.Max(1, stepsMax / 2) : stepsMax;
        var thrifty = new Search<TState, TInput, TOutput>(model, operations, hasPending, thriftyMax).Run();
        if (!hasPending || thrifty.Verdict == Verdict.Linearizable)
        {
            return thrifty;
        }

        var full = new Search<TState, TInput, TOutput>(model, operations, false, stepsMax - thrifty.Steps).Run();
        return full with { Steps = full.Steps + thrifty.Steps };
    }

    private SearchOutcome Run()
    {
        while (_completedLeft > 0)
        {
            if (_steps >= _stepsMax)
            {
                Remember();
                return new SearchOutcome(Verdict.Unknown, _steps, _longest, _stuck);
            }

            if (Advance())
            {
                continue;
            }

            Remember();
            if (_stack.Count == 0)
            {
                return new SearchOutcome(Verdict.Illegal, _steps, _longest, _stuck);
            }

            GoBack();
        }

        return new SearchOutcome(Verdict.Linearizable, _steps, OrderOfStack(), -1);
    }

    private Cursor Start() => new(Phase.Completed, _events.Next(EventList.Head), 0);

    private bool Advance()
    {
        if (_cursor.Phase == Phase.Completed && AdvanceCompleted())
        {
            return true;
        }

        if (_cursor.Phase == Phase.PendingThatHelp)
        {
            if (AdvancePending(helps: true))
            {
                return true;
            }

            _cursor = _cursor with { Phase = Phase.PendingOthers, Position = 0 };
        }

        return AdvancePending(helps: false);
    }

    private bool AdvanceCompleted()
    {
        for (; ; )
        {
            var operation = _events.OperationOf(_cursor.Position);
            if (operation < 0)
            {
                _cursor = new Cursor(Phase.PendingThatHelp, 0, _cursor.Position);
                return false;
            }

            _cursor = _cursor with { Position = _events.Next(_cursor.Position) };
            _steps++;
            if (_model.TryStep(_state, _completed[operation].Input, _completed[operation].Output!, out var next)
                && Enter(operation, next))
            {
                _events.Lift(operation);
                _completedLeft--;
                _cursor = Start();
                return true;
            }
        }
    }

    private bool AdvancePending(bool helps)
    {
        var due = _completed[~_events.OperationOf(_cursor.Due)];
        while (_cursor.Position < _pending.Length && _events.PlaceOfPending[_cursor.Position] < _cursor.Due)
        {
            var operation = _cursor.Position;
            _cursor = _cursor with { Position = operation + 1 };
            if (_placed.HasPending(operation))
            {
                continue;
            }

            _steps++;
            var next = _model.StepUnknown(_state, _pending[operation].Input);
            if (next.Equals(_state))
            {
                continue;
            }

            var isWanted = MakesRight(next, due) == helps && (helps || !_isThrifty || MakesAnyRight(next));
            if (isWanted && Enter(~operation, next))
            {
                _cursor = Start();
                return true;
            }
        }

        return false;
    }

    private bool MakesAnyRight(TState next)
    {
        for (var node = _events.Next(EventList.Head); node != _cursor.Due; node = _events.Next(node))
        {
            if (MakesRight(next, _completed[_events.OperationOf(node)]))
            {
                return true;
            }
        }

        return false;
    }

    private bool MakesRight(TState next, Operation<TInput, TOutput> operation)
    {
        _steps += 2;
        return _model.TryStep(next, operation.Input, operation.Output!, out _)
            && !_model.TryStep(_state, operation.Input, operation.Output!, out _);
    }

    /// <summary>Goes on with an operation placed, unless the same was reached before.</summary>
    private bool Enter(int operation, TState next)
    {
        _placed.Flip(operation);
        var window = operation >= 0 ? _placed.Widen(_window, operation) : _window;
        var hash = Hashing.Mix(_placed.Hash ^ Hashing.Mix((uint)next.GetHashCode()));
        if (!_memo.Add(_placed.Key(window), next, hash))
        {
            _placed.Flip(operation);
            return false;
        }

        _stack.Push(new Frame(operation, _state, _cursor, _window));
        (_state, _window) = (next, window);
        return true;
    }

    private void GoBack()
    {
        var frame = _stack.Pop();
        _placed.Flip(frame.Operation);
        if (frame.Operation >= 0)
        {
            _events.PutBack(frame.Operation);
            _completedLeft++;
        }

        (_state, _cursor, _window) = (frame.State, frame.Cursor, frame.Window);
    }

    /// <summary>Keeps the order so far if it explains more answers than any before.</summary>
    private void Remember()
    {
        var completed = _completed.Length - _completedLeft;
        if (completed > _longestCompleted)
        {
            _longestCompleted = completed;
            _longest = OrderOfStack();
            _stuck = _indexOfCompleted[~_events.OperationOf(_events.FirstAnswer())];
        }
    }

    private List<int> OrderOfStack() =>
    [
        .. _stack.Reverse().Select(frame =>
            frame.Operation >= 0 ? _indexOfCompleted[frame.Operation] : _indexOfPending[~frame.Operation]),
    ];

    /// <summary>Where a point of the search is in its candidates.</summary>
    /// <param name="Phase">Which candidates.</param>
    /// <param name="Position">A node, or the number of a pending operation.</param>
    /// <param name="Due">The node of the first answer, once known.</param>
    private readonly record struct Cursor(Phase Phase, int Position, int Due);

    /// <summary>A placed operation and what to return to if it was wrong.</summary>
    private readonly record struct Frame(int Operation, TState State, Cursor Cursor, PlacedSet.Window Window);
}
