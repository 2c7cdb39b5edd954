using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// Finds out, without changing anything, what the files of a log hold: the entries up to the first bad record, and
/// whether what is missing from there can be a write that a crash cut off, or had been on disk before
/// (docs/design/log.md).
/// </summary>
internal sealed partial class LogRecovery(
    StoreDisk disk, StoreId store, HardStateRecord hard, LogBase start)
{
    private const string Remedy = "Remove this member from the cluster and add a new one.";

    private readonly uint _salt = LogRecordCodec.Salt(store, start.Epoch);
    private readonly List<Found> _files = [];

    /// <summary>The last entry that is proven to have been synced.</summary>
    private EntryId _floor;

    /// <summary>The last good record behind the first bad one.</summary>
    private EntryId _behind;

    /// <summary>The files whose records are good; of the last one, those before the first bad record.</summary>
    public List<Segment> Segments { get; } = [];

    public TermRuns Terms { get; } = new();

    /// <summary>Where configurations are.</summary>
    public List<LogIndex> Configurations { get; } = [];

    /// <summary>The last good entry.</summary>
    public EntryId Last { get; private set; } = start.Compacted;

    /// <summary>The CRC of the last good record.</summary>
    public uint LastCrc { get; private set; }

    /// <summary>Whether entries are lost that had been on disk.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>The last entry that had been, or may have been, on disk.</summary>
    public EntryId Promised { get; private set; }

    /// <summary>Whether something lies behind the last good record.</summary>
    public bool MustCut { get; private set; }

    /// <summary>
    /// Whether the last file has, or may have, what was read but is in the cache of the operating system only.
    /// </summary>
    public bool MustRewrite { get; private set; }

    /// <summary>Whether no file of the log is of use.</summary>
    public bool MustReset { get; private set; }

    /// <summary>Files that never counted, or are of a log that was dropped.</summary>
    public List<string> Obsolete { get; } = [];

    /// <summary>Files that the compaction left nothing of.</summary>
    public List<string> Covered { get; } = [];

    /// <summary>What a person should know.</summary>
    public List<string> Findings { get; } = [];

    /// <exception cref="StoreRefusedException">More may be lost than can be known.</exception>
    /// <exception cref="StoreFailedException">The disk cannot read.</exception>
    public void Run(IReadOnlyList<string> names)
    {
        try
        {
            OpenFiles(names);
            var place = Walk();
            Testify(hard.Synced);
            Testify(new EntryId(hard.State.Term, hard.State.Commit));
            LookBehind(place);
            Decide(place);
        }
        catch
        {
            _files.ForEach(static file => file.File.Dispose());
            throw;
        }

        foreach (var file in _files)
        {
            if (file.Segment == null)
            {
                file.File.Dispose();
            }
        }
    }

    /// <summary>An entry that had been synced.</summary>
    private void Testify(EntryId id)
    {
        if (id.Index > _floor.Index)
        {
            _floor = id;
        }
    }

    /// <summary>Reads good records in order; says where it stopped.</summary>
    private Place Walk()
    {
        if (_files.Count == 0 || _files[0].First > start.Compacted.Index.Next)
        {
            return new Place(0, SegmentHeader.AreaBytes, IsBadFile: _files.Count > 0);
        }

        var expected = _files[0].First;
        for (var i = 0; i < _files.Count; i++)
        {
            var file = _files[i];
            if (IsCut(file.First.Previous))
            {
                return new Place(i, SegmentHeader.AreaBytes, IsBadFile: false);
            }

            if (file.First < expected)
            {
                throw Refuse($"the files {_files[i - 1].Name} and {file.Name} overlap. {Remedy}");
            }

            if (file.First > expected)
            {
                return new Place(i - 1, Segments[^1].End, IsBadFile: false);
            }

            if (file.Header is not { } header || (i > 0 && header.PreviousCrc != LastCrc))
            {
                return new Place(i, SegmentHeader.AreaBytes, IsBadFile: true);
            }

            LastCrc = header.PreviousCrc;
            file.Segment = new Segment(file.File, file.First, header.PreviousCrc);
            Segments.Add(file.Segment);
            WalkRecords(file);
            expected = file.Segment.Next;
        }

        return new Place(_files.Count - 1, Segments[^1].End, IsBadFile: false);
    }

    private void WalkRecords(Found file)
    {
        var segment = file.Segment!;
        var term = segment.First == start.Compacted.Index.Next ? start.Compacted.Term : LastTermBefore(segment.First);
        while (!IsCut(segment.Next))
        {
            // Records that were synced together follow each other; the next ones start in a new sector.
            var at = segment.End;
            if (!IsNext(file, at, segment.Next, term, out var header))
            {
                at = Sectors.RoundUp(at);
                if (at == segment.End || !IsNext(file, at, segment.Next, term, out header))
                {
                    return;
                }
            }

            segment.Add(at, header.SizeBytes);
            term = header.Id.Term;
            LastCrc = header.Crc;
            Terms.Add(header.Id.Index, term);
            if (header.Id.Index > start.Compacted.Index)
            {
                Last = header.Id;
            }
            else if (header.Id.Index == start.Compacted.Index && term != start.Compacted.Term)
            {
                throw Refuse($"it has {header.Id} where it was compacted at {start.Compacted}. {Remedy}");
            }

            if (header.Kind == EntryKind.Configuration)
            {
                Configurations.Add(header.Id.Index);
            }
        }
    }

    private bool IsNext(Found file, int at, LogIndex index, Term term, out LogRecordHeader header) =>
        file.Reader.TryRecord(at, out header)
        && header.Id.Index == index && header.PreviousCrc == LastCrc && header.Id.Term >= term;

    private Term LastTermBefore(LogIndex first) =>
        Segments.Count > 1 && Segments[0].First < first ? Terms.At(first.Previous) : default;

    /// <summary>What lies behind the place where the good records end: it is of no use, but it testifies.</summary>
    private void LookBehind(Place place)
    {
        for (var i = place.File; i < _files.Count; i++)
        {
            var file = _files[i];
            if (IsCut(file.First.Previous))
            {
                MustCut = true;
                break;
            }

            // A file is made only after all records before it were synced.
            if (file.Header != null || file.First <= hard.SegmentFirst)
            {
                Testify(new EntryId(hard.State.Term, file.First.Previous));
            }

            MustCut |= i > place.File || place.IsBadFile;
            LookAt(file.Reader, i == place.File ? place.Offset : SegmentHeader.AreaBytes);
        }

        MustCut |= hard.CutFrom.Value != 0;
    }

    private void LookAt(SegmentReader reader, int offset)
    {
        while ((offset = reader.SkipZeros(offset)) < reader.Length)
        {
            MustCut = true;
            if (!reader.TryRecord(offset, out var header) || header.Id.Index <= Last.Index)
            {
                offset += 8;
                continue;
            }

            if (!IsCut(header.Id.Index))
            {
                Testify(header.Synced);
                _behind = header.Id.Index > _behind.Index ? header.Id : _behind;
            }

            offset += header.SizeBytes;
        }
    }

    // A file that starts where the log is cut stays, empty; one that starts later goes.
    private bool IsCut(LogIndex index) => hard.CutFrom.Value != 0 && index >= hard.CutFrom;

    private void Decide(Place place)
    {
        var ends = Segments.Count == 0 ? default : Segments[^1].Next.Previous;
        MustReset = _files.Count > 0 && (Segments.Count == 0 || ends < start.Compacted.Index);

        // What was compacted had been synced, so a bad record there is no torn write, and what lies behind it counted.
        var isRotten = Segments.Count > 0 && ends < start.Compacted.Index && _behind.Index > Last.Index;
        IsDamaged = (_floor.Index > Last.Index || isRotten) && !Teeth.Has(PlantedBug.CorruptLogTruncated);
        if (Last.Term > hard.State.Term)
        {
            throw new StoreRefusedException(ErrorCatalog.HardStateCorrupt, $"{disk.Name}: the log has {Last}, but "
                + $"'{StoreFiles.HardState}' knows {hard.State.Term} only: it is not the newest. {Remedy}");
        }

        // A file that the hard state does not name, entries behind those that it calls synced, and a cut: their sync
        // may have failed in the process before, and another sync does not bring back what that one dropped. Nothing
        // else proves these bytes: the commit index and other records tell that entries were synced once, which may
        // have been lost since, and been replaced. What is behind damage and was not announced to go, stays.
        MustRewrite = Segments.Count > 0
            && (Last.Index > hard.Synced.Index || Segments[^1].First > hard.SegmentFirst
                || (IsDamaged ? hard.CutFrom.Value != 0 : MustCut));
        if (IsDamaged)
        {
            // Whether what lies behind was acknowledged is not known; that more is asked back does no harm.
            Promised = _behind.Index >= _floor.Index ? _behind : _floor;
            Findings.Add($"The log is damaged after {Last}: entries up to {Promised} had been on disk. They are "
                + "fetched from the other members; until then this one neither votes nor leads.");
            return;
        }

        if (place.IsBadFile && _files[place.File].First <= hard.SegmentFirst
            && !Teeth.Has(PlantedBug.CorruptLogTruncated))
        {
            throw Refuse($"{_files[place.File].Name} is damaged, and nothing tells how many entries it had. {Remedy}");
        }

        if (MustCut && hard.CutFrom.Value == 0)
        {
            Findings.Add($"A write after {Last} had not been synced when the process ended, and is dropped.");
        }
    }

    private StoreRefusedException Refuse(string what) => new(ErrorCatalog.LogCorrupt, $"{disk.Name}: the log: {what}");

    private readonly record struct Place(int File, int Offset, bool IsBadFile);

    private sealed record Found(
        string Name, LogIndex First, StoreFile File, SegmentHeader? Header, SegmentReader Reader)
    {
        public Segment? Segment { get; set; }
    }
}
