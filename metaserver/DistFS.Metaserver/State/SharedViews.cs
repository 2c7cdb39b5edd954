namespace DistFS.Metaserver.State;

/// <summary>
/// One view of the state for all who read between two changes of it: to make one takes the engine's lock.
/// </summary>
internal sealed class SharedViews
{
    private readonly Lock _gate = new();

    /// <summary>Of now, if anybody asked since the last change; held by this object.</summary>
    private RocksStore.View? _current;

    /// <summary>Counts changes: a view that was begun before one is not kept behind it.</summary>
    private long _changes;

    /// <summary>A view of now; the caller disposes of it.</summary>
    public RocksStore.View Take(RocksStore store)
    {
        long changes;
        lock (_gate)
        {
            if (_current is { } current)
            {
                current.Share();
                return current;
            }

            changes = _changes;
        }

        var view = store.TakeView();
        lock (_gate)
        {
            if (_current == null && _changes == changes)
            {
                view.Share();
                _current = view;
            }
        }

        return view;
    }

    /// <summary>The state has changed: who asks from now on gets a new view.</summary>
    public void Forget()
    {
        RocksStore.View? old;
        lock (_gate)
        {
            _changes++;
            (old, _current) = (_current, null);
        }

        old?.Dispose();
    }
}
