using System.Buffers.Binary;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>A snapshot that is being received, in order; it goes on after a restart where it was.</summary>
/// <remarks>
/// 'incoming' describes it. 'incoming.data' holds its bytes, and behind them, in the next blocks, two slots {magic u32,
/// CRC-32C u32 of what follows, sequence u64, received u64, CRC-32C of the received bytes u32, 0 u32}, written in turn
/// and synced with the bytes. At a start a slot holds if the bytes match it.
/// </remarks>
internal sealed class IncomingFile : IDisposable
{
    private const uint MetaMagic = 0x4E494C44; // "DLIN"
    private const uint SlotMagic = 0x54534C44; // "DLST"
    private const int SlotBytes = 32;
    private const int BlockBytes = 4096;
    private const int ReadBytes = 1 << 20;

    private readonly StoreDisk _disk;
    private readonly StoreFile _file;
    private uint _crc;
    private ulong _sequence;
    private bool _isDirty;
    private bool _isAdopted;

    private IncomingFile(StoreDisk disk, StoreFile file, SnapshotMeta meta) =>
        (_disk, _file, Meta) = (disk, file, meta);

    public SnapshotMeta Meta { get; }

    public long ReceivedBytes { get; private set; }

    /// <summary>Starts a transfer; what another one left is replaced.</summary>
    /// <exception cref="SnapshotFailedException">The disk refuses it; nothing is left of it.</exception>
    public static IncomingFile Start(StoreDisk disk, SnapshotMeta meta)
    {
        StoreFile? file = null;
        try
        {
            file = disk.CreateScratch(StoreFiles.IncomingData);
            var description = SnapshotTrailer.EncodeMeta(meta);
            CheckedFile.Write(disk, StoreFiles.Incoming, MetaMagic, description, isScratch: true);
            return new IncomingFile(disk, file, meta);
        }
        catch (SnapshotFailedException)
        {
            file?.Dispose();
            disk.Delete(StoreFiles.Incoming + StoreFiles.TemporarySuffix);
            Delete(disk);
            throw;
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Goes on with a transfer, or removes what is of no use, or fails, and gives null.</summary>
    public static IncomingFile? TryOpen(StoreDisk disk, List<string> findings)
    {
        var payload = CheckedFile.Read(disk, StoreFiles.Incoming, MetaMagic, out _);
        var file = disk.TryOpen(StoreFiles.IncomingData, isScratch: true);
        if (payload == null || file == null || SnapshotTrailer.DecodeMeta(payload, out _) is not { } meta)
        {
            file?.Dispose();
            Delete(disk);
            return null;
        }

        var incoming = new IncomingFile(disk, file, meta);
        try
        {
            incoming.Load();
            return incoming;
        }
        catch (StoreFailedException error) when (!disk.HasFailed)
        {
            // Nobody was promised it, so it is no reason not to start.
            findings.Add($"The snapshot that was being received is dropped: {error.Message}");
            incoming.Discard();
            return null;
        }
    }

    /// <summary>Adds the bytes that follow what is there; at offset 0, starts anew.</summary>
    public PieceOutcome Write(SnapshotPiece piece)
    {
        if (piece.Offset == 0)
        {
            (ReceivedBytes, _crc) = (0, 0);
        }

        if (piece.Offset != ReceivedBytes)
        {
            return piece.Offset > ReceivedBytes ? PieceOutcome.Gap : PieceOutcome.Duplicate;
        }

        _file.Write(piece.Offset, piece.Data.Span);
        _crc = Crc32C.Append(_crc, piece.Data.Span);
        ReceivedBytes += piece.Length;
        _isDirty = true;
        return PieceOutcome.Stored;
    }

    /// <summary>Makes what was received durable.</summary>
    public void Sync()
    {
        if (!_isDirty)
        {
            return;
        }

        Span<byte> slot = stackalloc byte[SlotBytes];
        slot.Clear();
        _sequence++;
        BinaryPrimitives.WriteUInt32LittleEndian(slot, SlotMagic);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[8..], _sequence);
        BinaryPrimitives.WriteInt64LittleEndian(slot[16..], ReceivedBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[24..], _crc);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[4..], Crc32C.Compute(slot[8..]));
        _file.Write(SlotAt(Meta, (int)(_sequence % 2)), slot);
        _file.Sync();
        _isDirty = false;
    }

    /// <summary>
    /// Checks the whole and makes a snapshot's file of it, durable but for its name; null if it does not match.
    /// </summary>
    /// <exception cref="StoreFailedException">The disk refuses; the store has not failed by it.</exception>
    public uint[]? Complete()
    {
        var crcs = new uint[SnapshotFile.PieceCount(Meta.SizeBytes)];
        if (ReceivedBytes != Meta.SizeBytes || ReadCrc(Meta.SizeBytes, crcs) != Meta.Checksum)
        {
            return null;
        }

        _file.Truncate(Meta.SizeBytes);
        _file.Write(Meta.SizeBytes, SnapshotTrailer.Encode(Meta, crcs));
        _file.Sync();
        return crcs;
    }

    /// <summary>The file belongs to another from now on.</summary>
    public StoreFile Adopt()
    {
        _isAdopted = true;
        return _file;
    }

    /// <summary>Removes the transfer.</summary>
    public void Discard()
    {
        Dispose();
        _disk.Delete(StoreFiles.Incoming);
        if (!_isAdopted)
        {
            _disk.Delete(StoreFiles.IncomingData);
        }
    }

    public void Dispose()
    {
        if (!_isAdopted)
        {
            _file.Dispose();
        }
    }

    private static void Delete(StoreDisk disk)
    {
        disk.Delete(StoreFiles.Incoming);
        disk.Delete(StoreFiles.IncomingData);
    }

    private static long SlotAt(SnapshotMeta meta, int slot) =>
        ((meta.SizeBytes + BlockBytes - 1) / BlockBytes * BlockBytes) + (slot * (long)BlockBytes);

    private void Load()
    {
        Span<byte> slot = stackalloc byte[SlotBytes];
        Span<(ulong Sequence, long Received, uint Crc)> slots = stackalloc (ulong, long, uint)[2];
        for (var i = 0; i < slots.Length; i++)
        {
            if (_file.Read(SlotAt(Meta, i), slot) == SlotBytes
                && BinaryPrimitives.ReadUInt32LittleEndian(slot) == SlotMagic
                && BinaryPrimitives.ReadUInt32LittleEndian(slot[4..]) == Crc32C.Compute(slot[8..]))
            {
                slots[i] = (
                    BinaryPrimitives.ReadUInt64LittleEndian(slot[8..]),
                    BinaryPrimitives.ReadInt64LittleEndian(slot[16..]),
                    BinaryPrimitives.ReadUInt32LittleEndian(slot[24..]));
            }
        }

        var newest = slots[0].Sequence > slots[1].Sequence ? 0 : 1;
        _sequence = slots[newest].Sequence;
        foreach (var (_, received, crc) in (ReadOnlySpan<(ulong, long, uint)>)[slots[newest], slots[1 - newest]])
        {
            if (received >= 0 && received <= Meta.SizeBytes && ReadCrc(received, []) == crc)
            {
                (ReceivedBytes, _crc) = (received, crc);
                Rewrite();
                return;
            }
        }
    }

    /// <summary>
    /// Writes what was received once more, and syncs it: it may be in the cache only, called clean since a sync of the
    /// process before failed. A crash on the way may lose it; nobody was promised it, and it is sent again.
    /// </summary>
    private void Rewrite()
    {
        var buffer = new byte[(int)Math.Min(ReadBytes, ReceivedBytes)];
        for (long at = 0; at < ReceivedBytes;)
        {
            var bytes = buffer.AsSpan(0, (int)Math.Min(buffer.Length, ReceivedBytes - at));
            bytes = bytes[.._file.Read(at, bytes)];
            _file.Write(at, bytes);
            at += bytes.Length;
        }

        _isDirty = ReceivedBytes > 0;
        Sync();
    }

    /// <summary>The CRC of the first bytes, and of each of their pieces; null if the file ends before.</summary>
    private uint? ReadCrc(long length, Span<uint> pieces)
    {
        var buffer = new byte[(int)Math.Min(ReadBytes, length)];
        var crc = 0u;
        var piece = 0;
        for (long at = 0; at < length; piece++)
        {
            var bytes = buffer.AsSpan(0, (int)Math.Min(ReadBytes, length - at));
            bytes = bytes[.._file.Read(at, bytes)];
            if (bytes.IsEmpty)
            {
                return null;
            }

            crc = Crc32C.Append(crc, bytes);
            at += bytes.Length;
            if (piece < pieces.Length)
            {
                pieces[piece] = Crc32C.Compute(bytes);
            }
        }

        return crc;
    }
}

/// <summary>What became of a piece of an incoming snapshot.</summary>
public enum PieceOutcome
{
    /// <summary>It is stored, durable with the next sync.</summary>
    Stored,

    /// <summary>It was there already.</summary>
    Duplicate,

    /// <summary>Bytes before it are missing: ignored.</summary>
    Gap,

    /// <summary>It is of another snapshot than the one under way, and not its first piece: ignored.</summary>
    Foreign,

    /// <summary>It contradicts itself or its snapshot: ignored.</summary>
    Invalid,

    /// <summary>The disk refused it: all of its snapshot is dropped, see <see cref="RaftStore.IncomingFailure"/>. A
    /// piece at offset 0 starts anew.</summary>
    Failed,
}
