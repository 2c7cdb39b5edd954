using DistFS.Protocol;

namespace DistFS.Chunkserver.Cluster;

/// <summary>
/// Orders to delete, on their way: told, done durably, confirmed word for word. One that is told again on the way is
/// not done twice.
/// </summary>
internal sealed class Deletions
{
    private readonly HashSet<DeleteOrder> _known = [];
    private readonly Queue<DeleteOrder> _told = new();
    private readonly Queue<DeleteOrder> _done = new();

    /// <summary>Orders that were told and are not confirmed.</summary>
    public int Count => _known.Count;

    /// <summary>An order, which may be on its way already.</summary>
    public void Add(DeleteOrder order)
    {
        if (_known.Add(order))
        {
            _told.Enqueue(order);
        }
    }

    /// <summary>The next ones to do, except those that have to wait; empty for none.</summary>
    public List<DeleteOrder> Take(int max, Func<DeleteOrder, bool> mustWait)
    {
        var taken = new List<DeleteOrder>();
        for (var left = _told.Count; left > 0 && taken.Count < max; left--)
        {
            var order = _told.Dequeue();
            if (mustWait(order))
            {
                _told.Enqueue(order);
            }
            else
            {
                taken.Add(order);
            }
        }

        return taken;
    }

    /// <summary>They are done, and that is on the disk.</summary>
    public void Done(IEnumerable<DeleteOrder> orders)
    {
        foreach (var order in orders)
        {
            _done.Enqueue(order);
        }
    }

    /// <summary>They could not be done; the leader tells them again.</summary>
    public void Failed(IEnumerable<DeleteOrder> orders) => _known.ExceptWith(orders);

    /// <summary>What is to be confirmed next; empty for nothing.</summary>
    public IReadOnlyList<DeleteOrder> ToConfirm(int max) => [.. _done.Take(max)];

    /// <summary>They are confirmed.</summary>
    public void Confirmed(IEnumerable<DeleteOrder> orders)
    {
        foreach (var order in orders)
        {
            if (_done.TryPeek(out var first) && first.Equals(order))
            {
                _done.Dequeue();
                _known.Remove(order);
            }
        }
    }
}
