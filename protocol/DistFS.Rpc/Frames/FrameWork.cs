namespace DistFS.Rpc.Frames;

/// <summary>
/// Something that received bytes have made ready to run: a handler, or a caller that goes on. It is its own work item
/// and its own list node, so queueing it allocates nothing.
/// </summary>
internal abstract class FrameWork : IThreadPoolWorkItem
{
    /// <summary>The next in a <see cref="WorkList"/>.</summary>
    public FrameWork? Next { get; set; }

    public abstract void Execute();

    public void Queue() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    /// <summary>Takes itself from the front of its list; returns what was behind.</summary>
    public FrameWork? Unlink()
    {
        var next = Next;
        Next = null;
        return next;
    }
}

/// <summary>A list, first in, first out, whose nodes are the items. A mutable struct: kept in fields only.</summary>
internal struct WorkList
{
    private FrameWork? _first;
    private FrameWork? _last;

    public readonly bool IsEmpty => _first == null;

    public void Add(FrameWork work)
    {
        if (_last == null)
        {
            _first = work;
        }
        else
        {
            _last.Next = work;
        }

        _last = work;
    }

    public void Append(WorkList other)
    {
        if (other._first == null)
        {
            return;
        }

        if (_last == null)
        {
            _first = other._first;
        }
        else
        {
            _last.Next = other._first;
        }

        _last = other._last;
    }

    public FrameWork? TakeFirst()
    {
        var first = _first;
        if (first != null)
        {
            _first = first.Unlink();
            if (_first == null)
            {
                _last = null;
            }
        }

        return first;
    }

    /// <summary>Empties the list; its items stay linked.</summary>
    public FrameWork? Take()
    {
        var first = _first;
        _first = _last = null;
        return first;
    }

    /// <summary>Empties the list into another.</summary>
    public WorkList TakeList()
    {
        var all = this;
        _first = _last = null;
        return all;
    }
}
