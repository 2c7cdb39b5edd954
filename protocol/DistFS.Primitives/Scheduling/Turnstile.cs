namespace DistFS.Primitives;

/// <summary>
/// So many places are inside; who finds too few of them free waits, and all come in in the order in which they asked.
/// </summary>
/// <param name="scheduler">Where those who waited go on.</param>
/// <param name="places">How many.</param>
public sealed class Turnstile(ShellScheduler scheduler, int places = 1)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Visitor> _waiting = [];
    private readonly int _places = places;
    private int _free = places;

    /// <summary>Waits for a place; who has it must <see cref="Leave"/>.</summary>
    /// <exception cref="OperationCanceledException">It has none.</exception>
    public ValueTask EnterAsync(CancellationToken cancellation) => EnterAsync(1, cancellation);

    /// <summary>Waits for several places at once, which are to be left by as many. Not more than there are.</summary>
    /// <inheritdoc cref="EnterAsync(CancellationToken)" path="/exception"/>
    public async ValueTask EnterAsync(int count, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _places);
        cancellation.ThrowIfCancellationRequested();
        if (Ask(count) is not { } asked)
        {
            return;
        }

        try
        {
            await asked.Value.Come.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            GiveUp(asked);
            throw;
        }
    }

    /// <summary>Waits for a place for so long; false: there is none.</summary>
    public async ValueTask<bool> TryEnterAsync(TimeSpan timeout)
    {
        if (Ask(1) is not { } asked)
        {
            return true;
        }

        try
        {
            await asked.Value.Come.Task.WaitAsync(timeout, scheduler.Clock).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            GiveUp(asked);
            return false;
        }
    }

    /// <summary>Places are free.</summary>
    public void Leave(int count = 1)
    {
        lock (_gate)
        {
            _free += count;
        }

        LetIn();
    }

    /// <summary>Null: it has its places.</summary>
    private LinkedListNode<Visitor>? Ask(int count)
    {
        lock (_gate)
        {
            if (_free < count || _waiting.Count > 0)
            {
                return _waiting.AddLast(new Visitor(scheduler.NewSource(), count));
            }

            _free -= count;
            return null;
        }
    }

    /// <summary>Those in front for whom there is room, one after the other.</summary>
    private void LetIn()
    {
        while (true)
        {
            TaskCompletionSource come;
            lock (_gate)
            {
                if (_waiting.First is not { } first || first.Value.Count > _free)
                {
                    return;
                }

                _waiting.RemoveFirst();
                _free -= first.Value.Count;
                come = first.Value.Come;
            }

            scheduler.Complete(come);
        }
    }

    private void GiveUp(LinkedListNode<Visitor> asked)
    {
        lock (_gate)
        {
            if (asked.List == null)
            {
                // It was given its places at the same time.
                _free += asked.Value.Count;
            }
            else
            {
                _waiting.Remove(asked);
            }
        }

        // Perhaps he was in front, and there is room for those behind.
        LetIn();
    }

    private readonly record struct Visitor(TaskCompletionSource Come, int Count);
}
