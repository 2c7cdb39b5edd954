namespace DistFS.Primitives;

/// <summary>So many may be inside; the others wait, and come in in the order in which they asked.</summary>
/// <param name="scheduler">Where those who waited go on.</param>
/// <param name="places">How many.</param>
public sealed class Turnstile(ShellScheduler scheduler, int places = 1)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private int _free = places;

    /// <summary>Waits for a place; who has it must <see cref="Leave"/>.</summary>
    /// <exception cref="OperationCanceledException">It has none.</exception>
    public async ValueTask EnterAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (Ask() is not { } asked)
        {
            return;
        }

        try
        {
            await asked.Value.Task.WaitAsync(cancellation).ConfigureAwait(false);
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
        if (Ask() is not { } asked)
        {
            return true;
        }

        try
        {
            await asked.Value.Task.WaitAsync(timeout, scheduler.Clock).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            GiveUp(asked);
            return false;
        }
    }

    /// <summary>A place is free.</summary>
    public void Leave()
    {
        TaskCompletionSource next;
        lock (_gate)
        {
            if (_waiting.First is not { } first)
            {
                _free++;
                return;
            }

            _waiting.RemoveFirst();
            next = first.Value;
        }

        scheduler.Complete(next);
    }

    /// <summary>Null: it has a place.</summary>
    private LinkedListNode<TaskCompletionSource>? Ask()
    {
        lock (_gate)
        {
            if (_free == 0)
            {
                return _waiting.AddLast(scheduler.NewSource());
            }

            _free--;
            return null;
        }
    }

    private void GiveUp(LinkedListNode<TaskCompletionSource> asked)
    {
        lock (_gate)
        {
            if (asked.List != null)
            {
                _waiting.Remove(asked);
                return;
            }
        }

        // It was given a place at the same time.
        Leave();
    }
}
