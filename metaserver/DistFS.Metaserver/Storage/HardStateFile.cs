using System.Buffers.Binary;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>What the file 'hardstate' says: the hard state, and what is known of the log beside the log
/// itself.</summary>
/// <param name="Sequence">Grows with every write; the highest good copy holds.</param>
/// <param name="State">Term, vote and commit index. The commit index here is never after an entry that was
/// synced.</param>
/// <param name="Synced">The log was synced at least up to here: less than this at a start means damage.</param>
/// <param name="CutFrom">Not zero while a cut is under way: nothing from here on is of the log any more.</param>
/// <param name="SegmentFirst">The last file of the log that counts, by its first index; zero is none.</param>
internal readonly record struct HardStateRecord(
    ulong Sequence, HardState State, EntryId Synced, LogIndex CutFrom, LogIndex SegmentFirst)
{
    public const int SizeBytes = 88;
    public const uint Magic = 0x53485344; // "DSHS"
    public const uint Version = 1;

    public void Write(Span<byte> bytes, StoreId store)
    {
        bytes[..SizeBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], State.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], State.Vote.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[32..], State.Commit.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[40..], Synced.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[48..], Synced.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[56..], CutFrom.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[64..], SegmentFirst.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[72..], store.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[84..], Crc32C.Compute(bytes[..84]));
    }

    /// <summary>Reads a copy; null if it is not a good one.</summary>
    public static HardStateRecord? Read(ReadOnlySpan<byte> bytes, out uint version, out StoreId store)
    {
        version = 0;
        store = default;
        if (bytes.Length < SizeBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[84..]) != Crc32C.Compute(bytes[..84]))
        {
            return null;
        }

        version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        store = new StoreId(Number(bytes, 72));
        return new HardStateRecord(
            Number(bytes, 8),
            new HardState(
                new Term(Number(bytes, 16)), new MemberId(Number(bytes, 24)), new LogIndex(Number(bytes, 32))),
            new EntryId(new Term(Number(bytes, 40)), new LogIndex(Number(bytes, 48))),
            new LogIndex(Number(bytes, 56)),
            new LogIndex(Number(bytes, 64)));
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}

/// <summary>
/// The file 'hardstate': two slots of two copies each, all in different blocks. A write goes to the slot that does not
/// hold what was synced last, so a torn write never loses a vote, nor does one bad sector.
/// </summary>
internal sealed class HardStateFile : IDisposable
{
    private const int BlockBytes = 4096;
    private const int Slots = 2;
    private const int FileBytes = 4 * BlockBytes;

    private readonly StoreFile _file;
    private readonly StoreId _store;
    private readonly byte[] _buffer = new byte[HardStateRecord.SizeBytes];

    /// <summary>The slot that holds the last synced record. It is not written until the other one is synced.</summary>
    private int _syncedSlot;

    private HardStateFile(StoreFile file, StoreId store, HardStateRecord record, int slot) =>
        (_file, _store, Written, _syncedSlot, State) = (file, store, record, slot, record.State);

    /// <summary>What was written last, synced or not.</summary>
    public HardStateRecord Written { get; private set; }

    /// <summary>The newest hard state: its commit index may be ahead of the written one.</summary>
    public HardState State { get; private set; }

    /// <summary>The newest term that is durable: no entry of a later one may be in the log.</summary>
    public Term DurableTerm { get; private set; }

    /// <summary>Whether the term or vote is not synced.</summary>
    public bool MustSync { get; private set; }

    /// <summary>Makes the file of a new store.</summary>
    public static void Format(StoreDisk disk, StoreId store)
    {
        var file = disk.Create(StoreFiles.HardState);
        using var hard = new HardStateFile(file, store, default, slot: 1);
        file.Preallocate(FileBytes);
        hard.WriteSynced(default);
    }

    /// <summary>Opens the file, and replaces it by one in which every copy says what the best one says.</summary>
    /// <exception cref="StoreRefusedException">No copy is good, or it is of another store or format.</exception>
    public static HardStateFile Open(StoreDisk disk, StoreId store)
    {
        HardStateRecord best;
        using (var file = disk.TryOpen(StoreFiles.HardState) ?? throw Lost(disk, "missing"))
        {
            best = ReadBest(disk, file, store);
        }

        // Read is not durable: the sync of the best slot may have failed in the process before, and which slot is on
        // disk is then not known. So neither is written over.
        disk.Replace(StoreFiles.HardState, file => WriteAll(file, best, store));
        return new HardStateFile(disk.Open(StoreFiles.HardState), store, best, slot: 0)
        {
            DurableTerm = best.State.Term,
        };
    }

    /// <summary>A new hard state. It reaches the disk with the next write.</summary>
    public void Set(HardState state)
    {
        if (state.Term < State.Term
            || (state.Term == State.Term && State.Vote.Value != 0 && state.Vote != State.Vote))
        {
            throw new ArgumentException($"The hard state cannot go from {State} to {state}.", nameof(state));
        }

        MustSync |= state.Term != State.Term || state.Vote != State.Vote;
        State = state with { Commit = state.Commit > State.Commit ? state.Commit : State.Commit };
    }

    /// <summary>Writes without syncing, if anything is new: lost in a crash, and then only what is known is
    /// less.</summary>
    public void WriteLazily(EntryId synced)
    {
        var next = Next(Written with { Synced = synced });
        if (next with { Sequence = Written.Sequence } != Written)
        {
            Write(next, copies: 1);
        }
    }

    /// <summary>Writes and syncs.</summary>
    public void WriteSynced(HardStateRecord record)
    {
        Write(Next(record), copies: 2);
        _file.Sync();
        _syncedSlot = 1 - _syncedSlot;
        DurableTerm = State.Term;
        MustSync = false;
    }

    public void Dispose() => _file.Dispose();

    private HardStateRecord Next(HardStateRecord record)
    {
        // A leader may commit what its own disk does not have yet (thesis, 10.2.1), but a commit index found at a start
        // says what the log must hold.
        var commit = Math.Max(Written.State.Commit.Value, Math.Min(State.Commit.Value, record.Synced.Index.Value));
        return record with { Sequence = Written.Sequence + 1, State = State with { Commit = new LogIndex(commit) } };
    }

    private void Write(HardStateRecord record, int copies)
    {
        record.Write(_buffer, _store);
        for (var copy = 0; copy < copies; copy++)
        {
            _file.Write(Offset(1 - _syncedSlot, copy), _buffer);
        }

        Written = record;
    }

    private static void WriteAll(StoreFile file, HardStateRecord record, StoreId store)
    {
        Span<byte> bytes = stackalloc byte[HardStateRecord.SizeBytes];
        record.Write(bytes, store);
        file.Preallocate(FileBytes);
        for (var place = 0; place < Slots * 2; place++)
        {
            file.Write(place * (long)BlockBytes, bytes);
        }
    }

    private static long Offset(int slot, int copy) => (slot + (copy * Slots)) * (long)BlockBytes;

    private static HardStateRecord ReadBest(StoreDisk disk, StoreFile file, StoreId store)
    {
        HardStateRecord? best = null;
        Span<byte> bytes = stackalloc byte[HardStateRecord.SizeBytes];
        for (var place = 0; place < Slots * 2; place++)
        {
            var read = file.Read(place * (long)BlockBytes, bytes);
            if (HardStateRecord.Read(bytes[..read], out var version, out var writer) is not { } record)
            {
                continue;
            }

            if (version != HardStateRecord.Version)
            {
                throw new StoreRefusedException(
                    ErrorCatalog.StoreFormatUnknown,
                    $"{disk.Name}: '{StoreFiles.HardState}' "
                    + $"has format {version}, but this version of DistFS knows {HardStateRecord.Version} only.");
            }

            if (writer != store)
            {
                throw new StoreRefusedException(
                    ErrorCatalog.StoreForeign,
                    $"{disk.Name}: '{StoreFiles.HardState}' is of "
                    + $"store {writer}, but the folder is of store {store}. Put every file back to its own folder.");
            }

            if (best is not { } other || record.Sequence > other.Sequence)
            {
                best = record;
            }
        }

        return best ?? throw Lost(disk, "damaged");
    }

    private static StoreRefusedException Lost(StoreDisk disk, string how) => new(
        ErrorCatalog.HardStateCorrupt, $"{disk.Name}: '{StoreFiles.HardState}' is {how}: the member's term and vote "
        + "are lost. Remove it from the cluster and add a new one.");
}
