using DistFS.Primitives;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>
/// The chunks that need something: one queue for each class, first come first served, and a park for those that must
/// wait. An entry that changes its place leaves its old ticket behind, which is skipped.
/// </summary>
internal sealed class RepairQueue
{
    /// <summary>How many classes there are.</summary>
    public const int ClassCount = (int)RepairClass.Surplus + 1;

    private const int StaleMax = 1024;

    private readonly Dictionary<ulong, RepairEntry> _entries = [];
    private readonly Queue<(RepairEntry Entry, ulong Ticket)>[] _queues = new Queue<(RepairEntry, ulong)>[ClassCount];
    private readonly int[] _queued = new int[ClassCount];
    private readonly PriorityQueue<(RepairEntry Entry, ulong Ticket), (long AtMs, ulong Ticket)> _park = new();
    private ulong _ticket;

    /// <summary>Starts empty.</summary>
    public RepairQueue()
    {
        for (var i = 0; i < _queues.Length; i++)
        {
            _queues[i] = new Queue<(RepairEntry, ulong)>();
        }
    }

    /// <summary>All entries, wherever they are.</summary>
    public int Count => _entries.Count;

    /// <summary>Entries that wait for another time.</summary>
    public int ParkedCount { get; private set; }

    /// <summary>The bytes that all entries have still to copy.</summary>
    public long PendingBytes { get; private set; }

    /// <summary>Entries of which no replica can be read.</summary>
    public int UnavailableCount { get; private set; }

    /// <summary>Entries in the queue of a class.</summary>
    public int QueuedIn(RepairClass which) => _queued[(int)which];

    /// <summary>The entry of a chunk; null for none.</summary>
    public RepairEntry? Find(ChunkId chunk) => _entries.GetValueOrDefault(chunk.Value);

    /// <summary>A chunk that needs something now.</summary>
    public RepairEntry Add(in ChunkInfo chunk)
    {
        var entry = new RepairEntry(chunk);
        _entries.Add(chunk.Id.Value, entry);
        return entry;
    }

    /// <summary>A chunk that needs nothing any more.</summary>
    public void Remove(RepairEntry entry)
    {
        Rest(entry);
        Account(entry, 0, isUnavailable: false);
        _entries.Remove(entry.Chunk.Id.Value);
    }

    /// <summary>Sets what an entry adds to the sums.</summary>
    public void Account(RepairEntry entry, long pendingBytes, bool isUnavailable)
    {
        PendingBytes += pendingBytes - entry.PendingBytes;
        UnavailableCount += (isUnavailable ? 1 : 0) - (entry.IsUnavailable ? 1 : 0);
        (entry.PendingBytes, entry.IsUnavailable) = (pendingBytes, isUnavailable);
    }

    /// <summary>Takes an entry out of its place.</summary>
    public void Rest(RepairEntry entry)
    {
        if (entry.Place == EntryPlace.Queued)
        {
            Check.That(--_queued[(int)entry.Class] >= 0);
        }
        else if (entry.Place == EntryPlace.Parked)
        {
            ParkedCount--;
        }

        (entry.Place, entry.Ticket) = (EntryPlace.Idle, 0);
    }

    /// <summary>Puts an entry at the end of the queue of a class.</summary>
    public void Enqueue(RepairEntry entry, RepairClass which)
    {
        Rest(entry);
        (entry.Place, entry.Class, entry.Ticket) = (EntryPlace.Queued, which, ++_ticket);
        _queued[(int)which]++;
        var queue = _queues[(int)which];
        queue.Enqueue((entry, entry.Ticket));
        if (queue.Count > (2 * _queued[(int)which]) + StaleMax)
        {
            for (var i = queue.Count; i > 0; i--)
            {
                var item = queue.Dequeue();
                if (item.Entry.Ticket == item.Ticket)
                {
                    queue.Enqueue(item);
                }
            }
        }
    }

    /// <summary>The first entry of a class, taken out of its queue; null for none.</summary>
    public RepairEntry? Dequeue(RepairClass which)
    {
        var queue = _queues[(int)which];
        while (queue.TryDequeue(out var item))
        {
            if (item.Entry.Ticket == item.Ticket)
            {
                Rest(item.Entry);
                return item.Entry;
            }
        }

        return null;
    }

    /// <summary>Puts an entry aside until a time; it may need something else by now than where it was queued.</summary>
    public void Park(RepairEntry entry, long untilMs, RepairClass? need = null)
    {
        Rest(entry);
        entry.Class = need ?? entry.Class;
        (entry.Place, entry.Ticket) = (EntryPlace.Parked, ++_ticket);
        ParkedCount++;
        _park.Enqueue((entry, entry.Ticket), (untilMs, entry.Ticket));
        if (_park.Count > (2 * ParkedCount) + StaleMax)
        {
            var live = new List<((RepairEntry, ulong), (long, ulong))>(ParkedCount);
            while (_park.TryDequeue(out var item, out var at))
            {
                if (item.Entry.Ticket == item.Ticket)
                {
                    live.Add((item, at));
                }
            }

            _park.EnqueueRange(live);
        }
    }

    /// <summary>An entry whose time has come, taken out of the park; null for none.</summary>
    public RepairEntry? Unpark(long nowMs)
    {
        while (_park.TryPeek(out var item, out var at) && (item.Entry.Ticket != item.Ticket || at.AtMs <= nowMs))
        {
            _park.Dequeue();
            if (item.Entry.Ticket == item.Ticket)
            {
                Rest(item.Entry);
                return item.Entry;
            }
        }

        return null;
    }

    /// <summary>
    /// Forgets an entry that is less urgent than a class, to make room: of the least urgent class the one that waited
    /// longest, or else one that is parked. Null if there is none. What is under way is never forgotten.
    /// </summary>
    public RepairEntry? Evict(RepairClass than, long nowMs)
    {
        for (var which = RepairClass.Surplus; which > than; which--)
        {
            if (Dequeue(which) is not { } entry)
            {
                continue;
            }

            if (!entry.IsUnderWay)
            {
                Remove(entry);
                return entry;
            }

            Enqueue(entry, which);
        }

        if (Unpark(long.MaxValue) is not { } parked)
        {
            return null;
        }

        if (parked.IsUnderWay)
        {
            Park(parked, nowMs);
            return null;
        }

        Remove(parked);
        return parked;
    }
}
