using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Cluster;

/// <summary>
/// Copies that this server is to make. A copy is begun when it is listed for the first time, and given up when it is no
/// longer listed; its result is told until then.
/// </summary>
internal sealed class CopyBook
{
    // In every one of them by the number of the order.
    private readonly SortedDictionary<ulong, CopyResult> _results = [];
    private readonly Dictionary<ulong, CopyOrder> _running = [];
    private readonly HashSet<ulong> _cancelled = [];
    private HashSet<ulong> _listed = [];
    private ulong _toldUpTo;

    /// <summary>Copies under way, those that are being given up among them.</summary>
    public int Running => _running.Count;

    /// <summary>The numbers of all that are listed; another set when another list was taken.</summary>
    public IReadOnlySet<ulong> Listed => _listed;

    /// <summary>Takes the list of a leader that knows it.</summary>
    public void Take(IReadOnlyCollection<CopyOrder> orders, List<CopyOrder> begin, List<CopyId> cancel)
    {
        _listed = [.. orders.Select(static order => order.Copy)];
        foreach (var ended in _results.Keys.Where(copy => !_listed.Contains(copy)).ToList())
        {
            _results.Remove(ended);
        }

        foreach (var copy in _running.Keys)
        {
            if (!_listed.Contains(copy))
            {
                Cancel(copy, cancel);
            }
        }

        foreach (var order in orders)
        {
            if (!_results.ContainsKey(order.Copy) && _running.TryAdd(order.Copy, order))
            {
                begin.Add(order);
            }
        }
    }

    /// <summary>What an order to delete is about is given up.</summary>
    public void Delete(DeleteOrder order, List<CopyId> cancel)
    {
        foreach (var copy in _running.Values)
        {
            if (Covers(order, copy))
            {
                Cancel(copy.Copy, cancel);
            }
        }
    }

    /// <summary>
    /// Whether something is still being copied that this order deletes: what is deleted before that has ended could
    /// come back.
    /// </summary>
    public bool MustWait(DeleteOrder order) => _running.Values.Any(copy => Covers(order, copy));

    /// <summary>A copy has ended, well or not, and nothing of it goes on. Told only while it is listed.</summary>
    public void Ended(CopyResult result)
    {
        _running.Remove(result.Copy);
        _cancelled.Remove(result.Copy);
        if (_listed.Contains(result.Copy))
        {
            _results[result.Copy] = result;
        }
    }

    /// <summary>Results to tell; from where the last call ended, and around.</summary>
    public IEnumerable<CopyResult> Turn(int max)
    {
        if (_results.Count <= max)
        {
            return [.. _results.Values];
        }

        var after = _toldUpTo;
        List<CopyResult> turn = [.. _results.Values.SkipWhile(result => result.Copy <= after).Take(max)];
        turn.AddRange(_results.Values.Take(max - turn.Count));
        _toldUpTo = turn[^1].Copy;
        return turn;
    }

    /// <summary>
    /// Of lower versions everything; of its own version what came by no later order, and everything if it names none.
    /// </summary>
    private static bool Covers(DeleteOrder order, CopyOrder copy) => order.Chunk == copy.Chunk
        && (copy.Version < order.Version
            || (copy.Version == order.Version && (order.Copy == 0 || copy.Copy <= order.Copy)));

    private void Cancel(ulong copy, List<CopyId> cancel)
    {
        if (_cancelled.Add(copy))
        {
            cancel.Add(new CopyId(copy));
        }
    }
}
