using System.Buffers.Binary;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <content>What the writing thread does.</content>
internal sealed partial class RaftLogFiles
{
    private const int BufferBytes = 1 << 20;

    private byte[] _buffer = [];
    private readonly List<(int Offset, int SizeBytes, RaftEntry Entry)> _written = [];
    private int _buffered;

    /// <summary>Where the next record goes in the last file; after a sync, the start of a sector.</summary>
    private int _writeAt;

    /// <summary>Whether the last file has records that are not synced.</summary>
    private bool _isDirty;

    private Segment Tail => _segments[^1];

    /// <summary>
    /// Writes entries behind the log, which <see cref="RequireFit"/> has seen; if the first one's index is in the log,
    /// the log is first cut off before it, durably.
    /// </summary>
    public void Append(IReadOnlyList<RaftEntry> entries)
    {
        _buffer = _buffer.Length == 0 ? GC.AllocateUninitializedArray<byte>(BufferBytes) : _buffer;
        if (_mustCut || entries[0].Index <= _end.Index)
        {
            Cut(entries[0].Index);
        }

        if (entries[^1].Term > _hard.DurableTerm)
        {
            // Entries may reach the disk before the hard state does, but a log must never be newer than its term.
            _hard.WriteSynced(_hard.Written);
        }

        for (var i = 0; i < entries.Count; i++)
        {
            Write(entries[i]);
        }

        Flush();
    }

    /// <summary>Makes what was appended durable.</summary>
    public void Sync()
    {
        _disk.ThrowIfFailed();
        if (_isDirty)
        {
            SyncTail();
            HealIfWhole();
        }

        // While what lies behind the damage is still there, it alone knows where the log was synced to.
        _hard.WriteLazily(_mustCut ? _hard.Written.Synced : _last);
    }

    private void SyncTail()
    {
        Tail.File.Sync();
        _isDirty = false;
        _writeAt = Sectors.RoundUp(_writeAt);
        lock (_gate)
        {
            _last = _end;
        }
    }

    /// <summary>Whether they can be appended; changes nothing. At least one.</summary>
    /// <exception cref="ArgumentException">They do not follow the log, or are too large.</exception>
    public void RequireFit(IReadOnlyList<RaftEntry> entries)
    {
        var first = entries[0].Index;
        if (first > _end.Index.Next || first <= _base.Compacted.Index)
        {
            throw new ArgumentException($"{first} does not fit a log of {_base.Compacted.Index.Next}..{_end.Index}.");
        }

        var term = TermAt(first.Previous);
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            if (entry.Index.Value != first.Value + (ulong)i || entry.Term < term
                || entry.Data.Length > _options.EntryBytesMax)
            {
                throw new ArgumentException($"{entry} does not follow, or is over {_options.EntryBytesMax} bytes.");
            }

            term = entry.Term;
        }

        if (term > _hard.State.Term)
        {
            throw new ArgumentException(
                $"An entry of {term} needs a hard state of that term first, not {_hard.State}.");
        }
    }

    private void Write(RaftEntry entry)
    {
        var size = LogRecordCodec.SizeBytes(entry.Data.Length);
        if (_writeAt + (long)size > _options.SegmentBytes && _writeAt > SegmentHeader.AreaBytes)
        {
            Flush();
            Roll(size);
        }

        if (_buffered + size > BufferBytes)
        {
            Flush();
        }

        if (size > BufferBytes)
        {
            WriteLarge(entry, size);
            return;
        }

        var record = _buffer.AsSpan(_buffered, size);
        _lastCrc = LogRecordCodec.WriteHeader(record, entry, _lastCrc, _last, _salt);
        entry.Data.Span.CopyTo(record[LogRecordCodec.HeaderBytes..]);
        record[(LogRecordCodec.HeaderBytes + entry.Data.Length)..].Clear();
        _written.Add((_writeAt, size, entry));
        _buffered += size;
        _writeAt += size;
    }

    private void WriteLarge(RaftEntry entry, int size)
    {
        _lastCrc = LogRecordCodec.WriteHeader(_buffer, entry, _lastCrc, _last, _salt);
        Tail.File.Write(_writeAt, _buffer.AsSpan(0, LogRecordCodec.HeaderBytes));
        Tail.File.Write(_writeAt + LogRecordCodec.HeaderBytes, entry.Data.Span);
        _written.Add((_writeAt, size, entry));
        _writeAt += size;
        Flush();
    }

    /// <summary>Writes what is buffered, and shows it to readers.</summary>
    private void Flush()
    {
        if (_buffered > 0)
        {
            Tail.File.Write(_writeAt - _buffered, _buffer.AsSpan(0, _buffered));
            _buffered = 0;
        }

        if (_written.Count == 0)
        {
            return;
        }

        _isDirty = true;
        lock (_gate)
        {
            foreach (var (offset, size, entry) in _written)
            {
                Tail.Add(offset, size);
                _terms.Add(entry.Index, entry.Term);
                _cache.Add(entry);
                if (entry.Kind == EntryKind.Configuration)
                {
                    _configurations.Add(entry.Index);
                }
            }

            _end = _written[^1].Entry.Id;
        }

        _written.Clear();
    }

    /// <summary>Goes on in a new file. All before it is synced first: that a file is there testifies to it.</summary>
    private void Roll(int sizeBytes)
    {
        if (_isDirty)
        {
            SyncTail();
        }

        CreateSegment(sizeBytes);
    }

    private void CreateSegment(int recordBytes)
    {
        var first = _end.Index.Next;
        var file = _disk.Create(Segment.NameOf(first));
        try
        {
            file.Preallocate(Math.Max(_options.SegmentBytes, SegmentHeader.AreaBytes + recordBytes));
            Span<byte> area = stackalloc byte[SegmentHeader.AreaBytes];
            new SegmentHeader(_store, _base.Epoch, first, _lastCrc).Write(area);
            file.Write(0, area);
            file.Sync();
            _disk.SyncFolder();
            _hard.WriteSynced(_hard.Written with { Synced = _last, SegmentFirst = first });
        }
        catch
        {
            file.Dispose();
            throw;
        }

        lock (_gate)
        {
            _segments.Add(new Segment(file, first, _lastCrc));
        }

        _writeAt = SegmentHeader.AreaBytes;
    }

    /// <summary>
    /// Takes the entries from an index on away. The hard state says so first: a crash on the way is finished at the
    /// next start, and no trace of the old entries is mixed with, or bears witness against, the new ones.
    /// </summary>
    private void Cut(LogIndex from)
    {
        var last = new EntryId(TermAt(from.Previous), from.Previous);
        var lastCrc = CrcBefore(from);
        var gone = new List<Segment>();
        lock (_gate)
        {
            while (_segments.Count > 1 && Tail.First > from)
            {
                gone.Add(Tail);
                _segments.RemoveAt(_segments.Count - 1);
            }

            Tail.Cut(from);
            _terms.Cut(from);
            _configurations.RemoveAll(at => at >= from);
            _cache.Cut(from);
            _end = last;
            _last = _last.Index > last.Index ? last : _last;
            _generation++;
        }

        gone.ForEach(static segment => segment.Dispose());
        _hard.WriteSynced(_hard.Written with { Synced = _last, CutFrom = from, SegmentFirst = Tail.First });
        CutFiles(Tail);
        _hard.WriteSynced(_hard.Written with { CutFrom = default });
        _lastCrc = lastCrc;
        _mustCut = false;
        _isDirty = false;
        lock (_gate)
        {
            _last = _end;
        }
    }

    /// <summary>Removes what lies behind the last record, on disk.</summary>
    private void CutFiles(Segment tail)
    {
        DeleteFilesAfter(tail.First);
        tail.File.Truncate(tail.End);
        tail.File.Sync();
        tail.File.Preallocate(_options.SegmentBytes);
        _disk.SyncFolder();
        _writeAt = Sectors.RoundUp(tail.End);
    }

    private void DeleteFilesAfter(LogIndex first)
    {
        foreach (var name in _disk.List())
        {
            if (name.StartsWith(StoreFiles.SegmentPrefix, StringComparison.Ordinal)
                && Segment.FirstOf(name) is { } other && other > first)
            {
                _disk.Delete(name);
            }
        }
    }

    /// <summary>The CRC of the record before an index, behind which the log will go on.</summary>
    private uint CrcBefore(LogIndex index)
    {
        var place = _segments.Count - 1;
        while (place > 0 && _segments[place].First > index)
        {
            place--;
        }

        var segment = _segments[place];
        if (index <= segment.First)
        {
            return segment.PreviousCrc;
        }

        Span<byte> crc = stackalloc byte[sizeof(uint)];
        var read = segment.File.Read(segment.OffsetOf(index.Previous) + sizeof(uint), crc);
        Check.That(read == crc.Length);
        return BinaryPrimitives.ReadUInt32LittleEndian(crc);
    }
}
