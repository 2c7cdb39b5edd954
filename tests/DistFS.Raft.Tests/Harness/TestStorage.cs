using System.Buffers.Binary;

namespace DistFS.Raft.Tests.Harness;

/// <summary>
/// A disk in memory. Whatever <see cref="Execute"/> was given is durable; it refuses what no shell may do, so that a
/// wrong order of effects shows as a failed test.
/// </summary>
internal sealed class TestStorage(RaftConfiguration bootstrap) : IRaftStorage
{
    private readonly List<RaftEntry> _entries = [];
    private readonly List<byte> _incoming = [];
    private SnapshotMeta? _incomingMeta;

    public HardState HardState { get; private set; }

    public SnapshotMeta? Snapshot { get; private set; }

    public byte[] SnapshotBytes { get; private set; } = [];

    public EntryId Compacted { get; private set; }

    public RaftConfiguration CompactedConfiguration { get; private set; } = bootstrap;

    public bool IsWhole { get; private set; } = true;

    public EntryId Promised { get; private set; }

    /// <summary>Makes the next install find a wrong checksum.</summary>
    public bool SpoilsNextInstall { get; set; }

    public (SnapshotMeta Meta, long ReceivedBytes)? Incoming =>
        _incomingMeta == null ? null : (_incomingMeta, _incoming.Count);

    public EntryId Last => _entries.Count > 0 ? _entries[^1].Id : Compacted;

    public IReadOnlyList<RaftEntry> Entries => _entries;

    public Term TermAt(LogIndex index) => index == Compacted.Index ? Compacted.Term : At(index).Term;

    public IReadOnlyList<RaftEntry> Read(LogIndex from, LogIndex last, long bytesMax)
    {
        Rule(from <= last && last <= Last.Index && from > Compacted.Index,
            $"read {from}..{last} of {Compacted}..{Last}");
        var read = new List<RaftEntry>();
        var bytes = 0L;
        for (var at = from; at <= last; at = at.Next)
        {
            bytes += At(at).SizeBytes;
            if (read.Count > 0 && bytes > bytesMax)
            {
                break;
            }

            read.Add(At(at));
        }

        return read;
    }

    /// <summary>The disk part of a value. Returns whether a snapshot took the place of log and state.</summary>
    public bool Execute(RaftReady ready)
    {
        if (ready.HardState is { } hard)
        {
            var isSameTerm = hard.Term == HardState.Term;
            Rule(hard.Term >= HardState.Term, $"the term went from {HardState} to {hard}");
            Rule(!isSameTerm || HardState.Vote.Value == 0 || HardState.Vote == hard.Vote,
                $"voted twice: {HardState}, {hard}");
            HardState = hard;
        }

        StorePieces(ready);
        var installed = ready.Install is { } meta && Install(meta);
        Append(ready.Append);
        NoteWholeness();
        return installed;
    }

    /// <summary>A part of <see cref="Execute"/>, for a crash after it.</summary>
    public void StorePieces(RaftReady ready)
    {
        foreach (var piece in ready.Pieces)
        {
            Store(piece);
        }
    }

    /// <summary>The state machine wrote a snapshot of what it has applied; the log behind it goes.</summary>
    public void TakeSnapshot(SnapshotMeta meta, byte[] bytes, LogIndex compactTo)
    {
        Rule(TermAt(meta.Last.Index) == meta.Last.Term, "the snapshot is not of this log");
        (Snapshot, SnapshotBytes) = (meta, bytes);
        if (compactTo > Compacted.Index)
        {
            CompactedConfiguration = ConfigurationAt(compactTo);
            var compacted = At(compactTo).Id;
            _entries.RemoveRange(0, (int)(compactTo.Value - Compacted.Index.Value));
            Compacted = compacted;
        }
    }

    /// <summary>The configuration in force at an entry that is in the log.</summary>
    public RaftConfiguration ConfigurationAt(LogIndex index)
    {
        var found = CompactedConfiguration;
        foreach (var entry in _entries.Where(e => e.Kind == EntryKind.Configuration && e.Index <= index))
        {
            Assert.True(RaftCodec.TryDecode(entry.Data.Span, out var configuration, out var fault), fault);
            found = configuration;
        }

        return found;
    }

    /// <summary>Corruption was found: the log ends at <paramref name="last"/> now, and the store knows that it did not;
    /// unless it is a bad store that takes it for a torn tail.</summary>
    public void LoseAfter(LogIndex last, bool notices = true)
    {
        var keep = (int)(Math.Max(last.Value, Compacted.Index.Value) - Compacted.Index.Value);
        if (keep < _entries.Count)
        {
            _entries.RemoveRange(keep, _entries.Count - keep);
            IsWhole = !notices;
            Promised = notices ? Promised : Last;
        }
    }

    private static void Rule(bool holds, string text) => Assert.True(holds, $"storage: {text}");

    private RaftEntry At(LogIndex index)
    {
        Rule(index > Compacted.Index && index <= Last.Index, $"entry {index} of {Compacted}..{Last}");
        return _entries[(int)(index.Value - Compacted.Index.Value) - 1];
    }

    private void Append(IReadOnlyList<RaftEntry> entries)
    {
        if (entries.Count == 0)
        {
            return;
        }

        var first = entries[0].Index;
        Rule(first > Compacted.Index && first <= Last.Index.Next, $"append at {first} to {Compacted}..{Last}");
        if (first <= Last.Index)
        {
            var keep = (int)(first.Value - Compacted.Index.Value) - 1;
            _entries.RemoveRange(keep, _entries.Count - keep);
        }

        foreach (var entry in entries)
        {
            Rule(entry.Index == Last.Index.Next && entry.Term >= Last.Term, $"{entry.Id} after {Last}");
            Rule(entry.Term <= HardState.Term, $"{entry.Id} in {HardState}");
            _entries.Add(entry);
        }
    }

    private void Store(SnapshotPiece piece)
    {
        Rule(piece.Length == piece.Data.Length, "a piece's length");
        if (piece.Offset == 0)
        {
            _incoming.Clear();
            _incomingMeta = piece.Snapshot;
        }

        Rule(_incomingMeta == piece.Snapshot && piece.Offset == _incoming.Count, $"a piece at {piece.Offset}");
        _incoming.AddRange(piece.Data.Span);
    }

    private bool Install(SnapshotMeta meta)
    {
        Rule(_incomingMeta == meta && _incoming.Count == meta.SizeBytes, "the snapshot is not complete");
        byte[] bytes = [.. _incoming];
        _incoming.Clear();
        _incomingMeta = null;
        if (SpoilsNextInstall || Crc32C.Compute(bytes) != meta.Checksum)
        {
            SpoilsNextInstall = false;
            return false;
        }

        (Snapshot, SnapshotBytes) = (meta, bytes);
        _entries.Clear();
        Compacted = meta.Last;
        CompactedConfiguration = meta.Configuration;
        return true;
    }

    private void NoteWholeness()
    {
        IsWhole |= Last.Index >= Promised.Index || Last.Term > Promised.Term;
        Promised = IsWhole ? Last : Promised;
    }
}

/// <summary>A state machine: a hash over everything it applied. Its snapshot is index, hash and filler.</summary>
internal sealed class TestMachine
{
    public const int SnapshotBytes = 100;

    public LogIndex Applied { get; private set; }

    public ulong Hash { get; private set; }

    public void Apply(RaftEntry entry)
    {
        Assert.Equal(Applied.Next, entry.Index);
        Hash = Mix(Hash, entry);
        Applied = entry.Index;
    }

    public byte[] Save()
    {
        var bytes = new byte[SnapshotBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Applied.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Hash);
        new Prng(Hash).Fill(bytes.AsSpan(16));
        return bytes;
    }

    public void Load(byte[] bytes)
    {
        Applied = new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        Hash = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8));
    }

    public static ulong Mix(ulong hash, RaftEntry entry)
    {
        hash = (hash ^ entry.Index.Value) * 0x9E3779B97F4A7C15;
        hash = (hash ^ entry.Term.Value) * 0xBF58476D1CE4E5B9;
        hash ^= hash >> 29;
        hash = (hash ^ (ulong)entry.Kind) * 0x94D049BB133111EB;
        return (hash ^ Crc32C.Compute(entry.Data.Span)) * 0x9E3779B97F4A7C15;
    }
}
