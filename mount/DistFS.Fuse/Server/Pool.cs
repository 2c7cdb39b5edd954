namespace DistFS.Fuse;

/// <summary>
/// Things to use again, the last returned first since caches know it. What does not fit is left to the collector.
/// </summary>
internal sealed class Pool<T>(Func<T> create, int capacity)
    where T : class
{
    private readonly T[] _items = new T[capacity];
    private readonly Lock _gate = new();
    private int _count;

    public T Rent()
    {
        lock (_gate)
        {
            if (_count > 0)
            {
                return _items[--_count];
            }
        }

        return create();
    }

    public void Return(T item)
    {
        lock (_gate)
        {
            if (_count < _items.Length)
            {
                _items[_count++] = item;
            }
        }
    }
}
