namespace DistFS.Rpc;

/// <summary>
/// A small lock-free pool: a slot that one thread usually finds in its cache, then a fixed array. What does not fit is
/// left to the garbage collector, so the pool is bounded and never blocks.
/// </summary>
internal sealed class ObjectPool<T>(Func<T> create, int capacity = 256)
    where T : class
{
    private readonly T?[] _items = new T?[capacity];
    private T? _first;
    private int _hint;

    public T Rent()
    {
        var item = _first;
        if (item != null && Interlocked.CompareExchange(ref _first, null, item) == item)
        {
            return item;
        }

        // The hint is where the last item went: races only make it less apt, never wrong.
        var start = Volatile.Read(ref _hint);
        for (var i = 0; i < _items.Length; i++)
        {
            ref var slot = ref _items[(start - i + _items.Length) % _items.Length];
            item = slot;
            if (item != null && Interlocked.CompareExchange(ref slot, null, item) == item)
            {
                Volatile.Write(ref _hint, (start - i - 1 + (2 * _items.Length)) % _items.Length);
                return item;
            }
        }

        return create();
    }

    public void Return(T item)
    {
        if (_first == null && Interlocked.CompareExchange(ref _first, item, null) == null)
        {
            return;
        }

        var start = Volatile.Read(ref _hint);
        for (var i = 1; i <= _items.Length; i++)
        {
            var index = (start + i) % _items.Length;
            if (_items[index] == null && Interlocked.CompareExchange(ref _items[index], item, null) == null)
            {
                Volatile.Write(ref _hint, index);
                return;
            }
        }
    }
}
