using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// The log: its files, where each entry is, and the newest entries. One thread writes; any thread reads.
/// </summary>
internal sealed partial class RaftLogFiles : IDisposable
{
    private readonly StoreDisk _disk;
    private readonly StoreId _store;
    private readonly RaftStoreOptions _options;
    private readonly HardStateFile _hard;

    /// <summary>
    /// Guards what readers see: the fields from here to <see cref="_generation"/>. Never held over IO. Entries are
    /// shown after their write (so that they can be read), and <see cref="_last"/> moves on after their sync.
    /// </summary>
    private readonly Lock _gate = new();
    private readonly List<Segment> _segments = [];
    private readonly EntryCache _cache;
    private TermRuns _terms = new();
    private List<LogIndex> _configurations = [];
    private LogBase _base;
    private EntryId _end;
    private EntryId _last;
    private EntryId? _promised;

    /// <summary>Grows whenever entries that were shown are taken away.</summary>
    private long _generation;

    private uint _salt;
    private uint _lastCrc;
    private bool _mustCut;

    private RaftLogFiles(
        StoreDisk disk, StoreId store, RaftStoreOptions options, HardStateFile hard, LogBase start)
    {
        (_disk, _store, _options, _hard, _base) = (disk, store, options, hard, start);
        _cache = new EntryCache(options.CacheBytes);
        _salt = LogRecordCodec.Salt(store, start.Epoch);
    }

    /// <summary>The entry before the first.</summary>
    public EntryId Compacted
    {
        get
        {
            lock (_gate)
            {
                return _base.Compacted;
            }
        }
    }

    /// <summary>The configuration in force at <see cref="Compacted"/>.</summary>
    public RaftConfiguration CompactedConfiguration
    {
        get
        {
            lock (_gate)
            {
                return _base.Configuration;
            }
        }
    }

    /// <summary>The last entry that is on disk.</summary>
    public EntryId Last
    {
        get
        {
            lock (_gate)
            {
                return _last;
            }
        }
    }

    /// <summary>The last entry that this member promised but lost; null in a whole log.</summary>
    public EntryId? Promised
    {
        get
        {
            lock (_gate)
            {
                return _promised;
            }
        }
    }

    /// <summary>Opens the log, repairs what a crash left, and makes durable what was read.</summary>
    public static RaftLogFiles Open(
        StoreDisk disk, StoreId store, RaftStoreOptions options, HardStateFile hard, List<string> findings)
    {
        var start = LogBase.Read(disk, store);
        var recovery = new LogRecovery(disk, store, hard.Written, start);
        recovery.Run(disk.List());
        findings.AddRange(recovery.Findings);
        var log = new RaftLogFiles(disk, store, options, hard, start);
        try
        {
            log.Take(recovery, findings);
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Whether the log has that very entry, or was compacted at it.</summary>
    public bool Has(EntryId id)
    {
        lock (_gate)
        {
            return id == _base.Compacted
                || (id.Index > _base.Compacted.Index && id.Index <= _end.Index && _terms.At(id.Index) == id.Term);
        }
    }

    public Term TermAt(LogIndex index)
    {
        lock (_gate)
        {
            if (index == _base.Compacted.Index)
            {
                return _base.Compacted.Term;
            }

            RequireInside(index, index);
            return _terms.At(index);
        }
    }

    /// <summary>
    /// Lets the log start after <paramref name="index"/>, and removes files of which nothing is left.
    /// </summary>
    public void CompactTo(LogIndex index)
    {
        var start = new LogBase(_base.Epoch, new EntryId(TermAt(index), index), ConfigurationAt(index));
        start.Write(_disk, _store);
        var gone = new List<Segment>();
        lock (_gate)
        {
            _base = start;
            while (_segments.Count > 1 && _segments[1].First <= index.Next)
            {
                gone.Add(_segments[0]);
                _segments.RemoveAt(0);
            }

            _terms.Forget(index);
            _configurations.RemoveAll(at => at <= index);
        }

        foreach (var segment in gone)
        {
            _disk.Delete(segment.File.Name);
            segment.Dispose();
        }
    }

    /// <summary>Drops the whole log and starts it after an entry: that of a snapshot.</summary>
    public void Reset(EntryId last, RaftConfiguration configuration)
    {
        // First, nothing of the log is required any more, so that a crash from here on is no damage: neither in the log
        // as it is, nor in the one that starts after 'last', which may be before what is synced, or after its end.
        _hard.WriteSynced(
            _hard.Written with { Synced = _base.Compacted, CutFrom = default, SegmentFirst = default });

        // This is the step that counts: files of the older epoch are waste from now on.
        var start = new LogBase(_base.Epoch + 1, last, configuration);
        start.Write(_disk, _store);
        List<Segment> gone;
        lock (_gate)
        {
            gone = [.. _segments];
            _segments.Clear();
            _terms.Clear();
            _configurations.Clear();
            _cache.Clear();
            (_base, _end, _last) = (start, last, last);
            _salt = LogRecordCodec.Salt(_store, start.Epoch);
            _generation++;
        }

        gone.ForEach(static segment => segment.Dispose());
        DeleteFilesAfter(default);
        (_lastCrc, _mustCut, _isDirty) = (0, false, false);
        CreateSegment(0);
        HealIfWhole();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _segments.ForEach(static segment => segment.Dispose());
            _segments.Clear();
        }
    }

    private void Take(LogRecovery found, List<string> findings)
    {
        _segments.AddRange(found.Segments);
        (_terms, _configurations) = (found.Terms, found.Configurations);
        (_end, _last, _lastCrc) = (found.Last, found.Last, found.LastCrc);
        _promised = DamageMarker.Read(_disk);
        if (found.IsDamaged && Both(_promised, found.Promised) is var promisedNow && promisedNow != _promised)
        {
            DamageMarker.Write(_disk, promisedNow);
            _promised = promisedNow;
        }

        foreach (var name in found.Obsolete)
        {
            _disk.Delete(name);
        }

        if (found.MustReset)
        {
            findings.Add($"The log starts anew after {_base.Compacted}.");
            Reset(_base.Compacted, _base.Configuration);
        }
        else
        {
            TakeTail(found);
        }

        DeleteCovered(found.Covered);
        HealIfWhole();
        if (_promised is { } promised && !found.IsDamaged)
        {
            findings.Add($"The log is not whole yet: it ends at {_last} and had {promised}.");
        }
    }

    private void TakeTail(LogRecovery found)
    {
        if (_segments.Count == 0)
        {
            _disk.SyncFolder();
            CreateSegment(0);
            return;
        }

        _writeAt = Sectors.RoundUp(_segments[^1].End);
        if (found.MustRewrite)
        {
            RewriteTail();
        }

        if (found.IsDamaged)
        {
            // The files behind the damage, and what is behind it in this one unless that was not proven to be on disk,
            // stay as they are, for people to look at, until entries take their place.
            _mustCut = true;
            return;
        }

        if (found.MustCut)
        {
            DeleteFilesAfter(Tail.First);
        }

        _disk.SyncFolder();
        Tail.File.Preallocate(_options.SegmentBytes);

        // A cut that was under way is done: what is left of the log is what the files have, no more and no less.
        _hard.WriteSynced(
            _hard.Written with { Synced = _end, CutFrom = default, SegmentFirst = Tail.First });
    }

    /// <summary>
    /// Removes files that the compaction left nothing of; not before 'hardstate' names a later one, for a last file
    /// that is missing is a loss.
    /// </summary>
    private void DeleteCovered(IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            if (Segment.FirstOf(name) < _hard.Written.SegmentFirst)
            {
                _disk.Delete(name);
            }
        }
    }

    /// <summary>What ends two damages: whatever of term or index ends the later of them.</summary>
    private static EntryId Both(EntryId? one, EntryId other) => one is not { } first ? other : new EntryId(
        first.Term > other.Term ? first.Term : other.Term, first.Index > other.Index ? first.Index : other.Index);

    /// <summary>The configuration in force at an entry.</summary>
    public RaftConfiguration ConfigurationAt(LogIndex index)
    {
        LogIndex at = default;
        lock (_gate)
        {
            foreach (var place in _configurations)
            {
                at = place <= index ? place : at;
            }

            if (at <= _base.Compacted.Index)
            {
                return _base.Configuration;
            }
        }

        return RaftCodec.TryDecode(Read(at, at, 0)[0].Data.Span, out var configuration, out var fault)
            ? configuration
            : throw new StoreRefusedException(
                ErrorCatalog.LogCorrupt, $"{_disk.Name}: {at} is no configuration: {fault}");
    }

    private void RequireInside(LogIndex from, LogIndex last)
    {
        if (from <= _base.Compacted.Index || from > last || last > _end.Index)
        {
            throw new ArgumentOutOfRangeException(
                nameof(from), $"{from}..{last} is not inside the log, {_base.Compacted.Index.Next}..{_end.Index}.");
        }
    }

    /// <summary>Ends the damage once what was lost has been replaced, on disk.</summary>
    private void HealIfWhole()
    {
        // An entry of a later term comes from a leader that was elected without this member's lost entries, so it has
        // what of them was committed, and the entry tells that this log has it too (Log Matching).
        if (_promised is { } promised && _last.Index >= _hard.Written.State.Commit
            && (_last.Index >= promised.Index || _last.Term > promised.Term))
        {
            DamageMarker.Remove(_disk);
            lock (_gate)
            {
                _promised = null;
            }
        }
    }
}
