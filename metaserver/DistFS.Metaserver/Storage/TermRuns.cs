using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <summary>The terms of the log's entries, as runs: terms change seldom. Not safe for concurrent use.</summary>
internal sealed class TermRuns
{
    private readonly List<(LogIndex First, Term Term)> _runs = [];

    public void Add(LogIndex index, Term term)
    {
        if (_runs.Count == 0 || _runs[^1].Term != term)
        {
            _runs.Add((index, term));
        }
    }

    /// <summary>The term of an entry that was added.</summary>
    public Term At(LogIndex index)
    {
        int low = 0, high = _runs.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_runs[middle].First <= index)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        Check.That(_runs.Count > 0 && _runs[low].First <= index);
        return _runs[low].Term;
    }

    /// <summary>Forgets the entries from an index on.</summary>
    public void Cut(LogIndex from)
    {
        while (_runs.Count > 0 && _runs[^1].First >= from)
        {
            _runs.RemoveAt(_runs.Count - 1);
        }
    }

    /// <summary>Forgets runs that end before an index.</summary>
    public void Forget(LogIndex before)
    {
        var gone = 0;
        while (gone + 1 < _runs.Count && _runs[gone + 1].First <= before)
        {
            gone++;
        }

        _runs.RemoveRange(0, gone);
    }

    public void Clear() => _runs.Clear();
}
