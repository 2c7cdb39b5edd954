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

    private bool _isChanging;

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
            if (_current == null && _changes == changes && !_isChanging)
            {
                view.Share();
                _current = view;
            }
        }

        return view;
    }

    /// <summary>
    /// The state is about to change: until it has, everybody makes a view of his own. Else one from before the write,
    /// shared after it, would follow one from behind it.
    /// </summary>
    public void BeginChange() => Forget(isChanging: true);

    /// <summary>The state has changed: who asks from now on gets a new view.</summary>
    public void Forget() => Forget(isChanging: false);

    private void Forget(bool isChanging)
    {
        RocksStore.View? old;
        lock (_gate)
        {
            _changes++;
            _isChanging = isChanging;
            (old, _current) = (_current, null);
        }

        old?.Dispose();
    }
}
