using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>
/// The log as the core sees it: what the storage has, and the tail that is not yet there. An entry is in the tail from
/// the moment it is made or received until <see cref="MarkStable"/>.
/// </summary>
internal sealed class RaftLogView
{
    private readonly IRaftStorage _storage;
    private readonly List<RaftEntry> _tail = [];
    private int _tailStart;

    /// <summary>The index of the first entry of the tail, or of the one that would be.</summary>
    private LogIndex _tailFirst;

    public RaftLogView(IRaftStorage storage)
    {
        _storage = storage;
        Last = storage.Last;
        Stable = Last.Index;
        HandedOut = Last.Index;
        _tailFirst = Last.Index.Next;
    }

    /// <summary>The end of the log, on disk or not.</summary>
    public EntryId Last { get; private set; }

    /// <summary>Entries up to here are on this member's disk. Never after <see cref="HandedOut"/>.</summary>
    public LogIndex Stable { get; private set; }

    /// <summary>Entries up to here were given to the shell for the disk.</summary>
    public LogIndex HandedOut { get; private set; }

    /// <summary>Whether there are entries that the shell has not seen.</summary>
    public bool HasUnseen => HandedOut < Last.Index;

    /// <summary>Adds entries that directly follow the end.</summary>
    public void Append(RaftEntry entry)
    {
        Check.That(entry.Index == Last.Index.Next && entry.Term >= Last.Term);
        _tail.Add(entry);
        Last = entry.Id;
    }

    /// <summary>Cuts the log off before <paramref name="from"/>; the disk follows with the next append.</summary>
    public void TruncateBefore(LogIndex from)
    {
        Check.That(from.Value > 0 && from > _storage.Compacted.Index && from <= Last.Index);
        var last = from.Previous;
        var term = TermAt(last);
        Check.That(term != null);
        Last = new EntryId(term.Value, last);
        if (from <= _tailFirst)
        {
            _tail.Clear();
            _tailStart = 0;
            _tailFirst = from;
        }
        else
        {
            var keep = _tailStart + (int)(from.Value - _tailFirst.Value);
            _tail.RemoveRange(keep, _tail.Count - keep);
        }

        Stable = Min(Stable, last);
        HandedOut = Min(HandedOut, last);
    }

    /// <summary>The entries that the shell has not seen; they count as given to it from now on.</summary>
    public IReadOnlyList<RaftEntry> HandOut()
    {
        if (!HasUnseen)
        {
            return [];
        }

        var from = _tailStart + (int)(HandedOut.Value + 1 - _tailFirst.Value);
        var entries = _tail.GetRange(from, _tail.Count - from);
        HandedOut = Last.Index;
        return entries;
    }

    /// <summary>Entries up to <paramref name="index"/> are on disk.</summary>
    public void MarkStable(LogIndex index)
    {
        Check.That(index <= HandedOut);
        if (index <= Stable)
        {
            return;
        }

        Stable = index;
        var gone = (int)(index.Value + 1 - _tailFirst.Value);
        // So that the entries can be collected before the list is shortened.
        for (var i = _tailStart; i < _tailStart + gone; i++)
        {
            _tail[i] = null!;
        }

        _tailStart += gone;
        _tailFirst = index.Next;
        if (_tailStart == _tail.Count)
        {
            _tail.Clear();
            _tailStart = 0;
        }
        else if (_tailStart > 1024 && _tailStart > _tail.Count / 2)
        {
            // Moving the rest now and then costs less than a ring would in every read.
            _tail.RemoveRange(0, _tailStart);
            _tailStart = 0;
        }
    }

    /// <summary>The storage was put to a snapshot: the log is what it says, and nothing is on its way.</summary>
    public void Restart()
    {
        _tail.Clear();
        _tailStart = 0;
        Last = _storage.Last;
        Stable = Last.Index;
        HandedOut = Last.Index;
        _tailFirst = Last.Index.Next;
    }

    /// <summary>The term of an entry, or null if the log does not have it (compacted, or after the end).</summary>
    public Term? TermAt(LogIndex index)
    {
        if (index > Last.Index)
        {
            return null;
        }

        if (index >= _tailFirst)
        {
            return _tail[_tailStart + (int)(index.Value - _tailFirst.Value)].Term;
        }

        if (index == Last.Index)
        {
            return Last.Term;
        }

        var compacted = _storage.Compacted;
        return index > compacted.Index ? _storage.TermAt(index)
            : index == compacted.Index ? compacted.Term
            : null;
    }

    /// <summary>Whether the log has that very entry.</summary>
    public bool Has(EntryId id) => TermAt(id.Index) == id.Term;

    /// <summary>
    /// Entries from <paramref name="from"/> to <paramref name="last"/>, at least one, then as many as fit; null if the
    /// first was compacted.
    /// </summary>
    public IReadOnlyList<RaftEntry>? Read(LogIndex from, LogIndex last, long bytesMax)
    {
        if (from <= _storage.Compacted.Index)
        {
            return null;
        }

        Check.That(from <= last && last <= Last.Index);
        if (from < _tailFirst)
        {
            var stored = _storage.Read(from, Min(last, _tailFirst.Previous), bytesMax);
            Check.That(stored.Count > 0 && stored[0].Index == from);
            return stored;
        }

        var start = _tailStart + (int)(from.Value - _tailFirst.Value);
        var count = 0;
        long bytes = 0;
        var most = (int)(last.Value - from.Value) + 1;
        while (count < most && (count == 0 || bytes + _tail[start + count].SizeBytes <= bytesMax))
        {
            bytes += _tail[start + count].SizeBytes;
            count++;
        }

        return _tail.GetRange(start, count);
    }

    /// <summary>
    /// The largest index up to <paramref name="index"/> whose term is not after <paramref name="term"/>: where two logs
    /// may still agree, passing over a whole term of disagreement at once (thesis, 3.5).
    /// </summary>
    public EntryId LastNotAfter(LogIndex index, Term term)
    {
        var at = Min(index, Last.Index);
        while (at.Value > 0 && TermAt(at) is { } here)
        {
            if (here <= term)
            {
                return new EntryId(here, at);
            }

            at = at.Previous;
        }

        // Compacted: what is there is committed, so the logs agree there.
        return at.Value == 0 ? default : _storage.Compacted;
    }

    private static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;
}
