using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>The newest entries of the log, up to a number of bytes, so that followers that keep up cost no read. Not
/// safe for concurrent use.</summary>
internal sealed class EntryCache(long bytesMax)
{
    private RaftEntry?[] _ring = new RaftEntry?[64];
    private int _head;
    private int _count;
    private long _bytes;

    /// <summary>The first entry, if there is any; the entries are consecutive.</summary>
    public LogIndex First { get; private set; }

    public bool Has(LogIndex index) => _count > 0 && index >= First && index.Value < First.Value + (ulong)_count;

    public RaftEntry this[LogIndex index] => _ring[Slot((int)(index.Value - First.Value))]!;

    public void Add(RaftEntry entry)
    {
        if (_count > 0 && entry.Index.Value != First.Value + (ulong)_count)
        {
            Clear();
        }

        if (_count == _ring.Length)
        {
            Grow();
        }

        First = _count == 0 ? entry.Index : First;
        _ring[Slot(_count)] = entry;
        _count++;
        _bytes += entry.SizeBytes;
        while (_bytes > bytesMax && _count > 0)
        {
            RemoveFirst();
        }
    }

    /// <summary>Forgets the entries from an index on.</summary>
    public void Cut(LogIndex from)
    {
        while (_count > 0 && First.Value + (ulong)_count > from.Value)
        {
            var slot = Slot(_count - 1);
            _bytes -= _ring[slot]!.SizeBytes;
            _ring[slot] = null;
            _count--;
        }
    }

    public void Clear() => Cut(default);

    private void RemoveFirst()
    {
        _bytes -= _ring[_head]!.SizeBytes;
        _ring[_head] = null;
        _head = Slot(1);
        _count--;
        First = First.Next;
    }

    private int Slot(int place) => (_head + place) & (_ring.Length - 1);

    private void Grow()
    {
        var ring = new RaftEntry?[_ring.Length * 2];
        for (var i = 0; i < _count; i++)
        {
            ring[i] = _ring[Slot(i)];
        }

        (_ring, _head) = (ring, 0);
    }
}
