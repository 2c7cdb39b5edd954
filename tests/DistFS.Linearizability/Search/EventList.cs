namespace DistFS.Linearizability;

/// <summary>
/// The calls and answers of the completed operations in the order of time, as a doubly linked list from which an
/// operation is lifted when it is placed and to which it is returned when the search goes back (Wing and Gong 1993).
/// Node 0 is the head; the others are numbered in the order of time.
/// </summary>
internal sealed class EventList
{
    /// <summary>The node before the first.</summary>
    public const int Head = 0;

    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly int[] _operationOf;
    private readonly int[] _callOf;
    private readonly int[] _answerOf;

    /// <summary>Lays the events out.</summary>
    /// <param name="calls">Stamp of each operation's call, ascending.</param>
    /// <param name="answers">Stamp of its answer.</param>
    /// <param name="pendingCalls">Stamp of each pending operation's call, ascending.</param>
    public EventList(ReadOnlySpan<long> calls, ReadOnlySpan<long> answers, ReadOnlySpan<long> pendingCalls)
    {
        var nodes = (2 * calls.Length) + 1;
        (_next, _previous, _operationOf) = (new int[nodes], new int[nodes], new int[nodes]);
        (_callOf, _answerOf, PlaceOfPending) =
            (new int[calls.Length], new int[calls.Length], new int[pendingCalls.Length]);
        var byAnswer = new int[calls.Length];
        for (var i = 0; i < byAnswer.Length; i++)
        {
            byAnswer[i] = i;
        }

        // The index breaks ties, so that the order, and with it every step of the search, is always the same.
        var answerTimes = answers.ToArray();
        Array.Sort(
            byAnswer,
            (a, b) => answerTimes[a] != answerTimes[b] ? answerTimes[a].CompareTo(answerTimes[b]) : a.CompareTo(b));

        int call = 0, answer = 0, pending = 0;
        for (var node = 1; node < nodes; node++)
        {
            // At equal stamps calls come first: the two operations then overlap.
            var nextAnswer = answers[byAnswer[answer]];
            var isCall = call < calls.Length && calls[call] <= nextAnswer;
            var time = isCall ? calls[call] : nextAnswer;
            while (pending < pendingCalls.Length && pendingCalls[pending] <= time)
            {
                PlaceOfPending[pending++] = node - 1;
            }

            var operation = isCall ? call++ : byAnswer[answer++];
            _operationOf[node] = isCall ? operation : ~operation;
            (isCall ? _callOf : _answerOf)[operation] = node;
            (_previous[node], _next[node - 1]) = (node - 1, node);
        }

        PlaceOfPending.AsSpan(pending).Fill(nodes - 1);
        _next[nodes - 1] = Head;
    }

    /// <summary>For each pending operation the last node at or before its call.</summary>
    public int[] PlaceOfPending { get; }

    /// <summary>The node after <paramref name="node"/>.</summary>
    public int Next(int node) => _next[node];

    /// <summary>The operation whose call the node is, or the complement of the one whose answer it is.</summary>
    public int OperationOf(int node) => _operationOf[node];

    /// <summary>The first answer among the operations that are left: none of them may be placed after it.</summary>
    public int FirstAnswer()
    {
        var node = _next[Head];
        while (_operationOf[node] >= 0)
        {
            node = _next[node];
        }

        return node;
    }

    /// <summary>Takes an operation out.</summary>
    public void Lift(int operation)
    {
        Unlink(_callOf[operation]);
        Unlink(_answerOf[operation]);
    }

    /// <summary>Puts the operation back that was lifted last.</summary>
    public void PutBack(int operation)
    {
        Relink(_answerOf[operation]);
        Relink(_callOf[operation]);
    }

    private void Unlink(int node)
    {
        _next[_previous[node]] = _next[node];
        _previous[_next[node]] = _previous[node];
    }

    private void Relink(int node)
    {
        _next[_previous[node]] = node;
        _previous[_next[node]] = node;
    }
}
