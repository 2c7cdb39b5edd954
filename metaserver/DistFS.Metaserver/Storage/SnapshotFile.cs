using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// A whole snapshot: its bytes from 0 on, then a trailer that describes them and holds a CRC of every piece. Who reads
/// holds a use, so that the file stays open under it when a newer one takes its place.
/// </summary>
internal sealed class SnapshotFile : IDisposable
{
    /// <summary>Bytes under one CRC.</summary>
    public const int PieceBytes = 1 << 20;
    private const int DigitsOfIndex = 20;

    private readonly StoreFile _file;
    private readonly uint[] _crcs;
    private int _uses = 1;

    public SnapshotFile(StoreFile file, string name, SnapshotMeta meta, uint[] crcs) =>
        (_file, Name, Meta, _crcs) = (file, name, meta, crcs);

    public SnapshotMeta Meta { get; }

    public string Name { get; }

    public static int PieceCount(long sizeBytes) => (int)((sizeBytes + PieceBytes - 1) / PieceBytes);

    public static string NameOf(SnapshotMeta meta) => string.Create(CultureInfo.InvariantCulture,
        $"{StoreFiles.SnapshotPrefix}{meta.Last.Index.Value:d20}-{meta.Id:x16}{StoreFiles.SnapshotSuffix}");

    /// <summary>The snapshot of that name, or null if it is not whole.</summary>
    public static SnapshotFile? TryOpen(StoreDisk disk, string name)
    {
        var file = disk.TryOpen(name);
        if (file == null || SnapshotTrailer.Read(file) is not var (meta, crcs) || NameOf(meta) != name)
        {
            file?.Dispose();
            return null;
        }

        return new SnapshotFile(file, name, meta, crcs);
    }

    /// <summary>Bytes from an offset on; fewer than asked for only at the end.</summary>
    /// <exception cref="SnapshotCorruptException">They do not match their checksum.</exception>
    public int Read(long offset, Span<byte> destination)
    {
        var count = (int)Math.Clamp(Meta.SizeBytes - offset, 0, destination.Length);
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            for (var done = 0; done < count;)
            {
                var piece = (int)((offset + done) / PieceBytes);
                var bytes = buffer.AsSpan(0, ReadPiece(piece, buffer));
                var from = (int)(offset + done - ((long)piece * PieceBytes));
                var part = bytes.Slice(from, Math.Min(bytes.Length - from, count - done));
                part.CopyTo(destination[done..]);
                done += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return count;
    }

    /// <summary>One whole piece, checked; its length.</summary>
    public int ReadPiece(int piece, Span<byte> destination)
    {
        var offset = (long)piece * PieceBytes;
        var length = (int)Math.Min(PieceBytes, Meta.SizeBytes - offset);
        var bytes = destination[..length];
        if (_file.Read(offset, bytes) != length || Crc32C.Compute(bytes) != _crcs[piece])
        {
            throw new SnapshotCorruptException($"{Name}: the bytes from {offset} on do not match their checksum. They "
                + "are not sent or loaded; the next snapshot replaces this one.");
        }

        return length;
    }

    public void Use() => Interlocked.Increment(ref _uses);

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _uses) == 0)
        {
            _file.Dispose();
        }
    }
}

/// <summary>
/// The end of a snapshot's file: {magic u32, version u32, id u64, term u64, index u64, size u64, checksum u32, length
/// of the configuration u32, the configuration, a CRC-32C u32 of each piece, CRC-32C u32 of all before, length of the
/// trailer u32, magic u32}.
/// </summary>
internal static class SnapshotTrailer
{
    private const uint Magic = 0x4E534453; // "SDSN"
    private const uint Version = 1;
    private const int MetaBytes = 48;
    private const int FooterBytes = 8;
    private const int TrailerBytesMax = 64 << 20;

    /// <summary>A snapshot's description alone.</summary>
    public static byte[] EncodeMeta(SnapshotMeta meta)
    {
        var configuration = RaftCodec.Encode(meta.Configuration);
        var bytes = new byte[MetaBytes + configuration.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), meta.Id);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), meta.Last.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), meta.Last.Index.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), meta.SizeBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(40), meta.Checksum);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(44), configuration.Length);
        configuration.CopyTo(bytes, MetaBytes);
        return bytes;
    }

    /// <summary>What <see cref="EncodeMeta"/> wrote, and how long it was; null if it is nothing such.</summary>
    public static SnapshotMeta? DecodeMeta(ReadOnlySpan<byte> bytes, out int length)
    {
        length = 0;
        if (bytes.Length < MetaBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) != Version)
        {
            return null;
        }

        var size = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]);
        var configurationBytes = BinaryPrimitives.ReadUInt32LittleEndian(bytes[44..]);
        if (size < 0 || configurationBytes > bytes.Length - MetaBytes
            || !RaftCodec.TryDecode(bytes.Slice(MetaBytes, (int)configurationBytes), out var configuration, out _))
        {
            return null;
        }

        length = MetaBytes + (int)configurationBytes;
        return new SnapshotMeta
        {
            Id = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            Last = new EntryId(
                new Term(BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..])),
                new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]))),
            Configuration = configuration,
            SizeBytes = size,
            Checksum = BinaryPrimitives.ReadUInt32LittleEndian(bytes[40..]),
        };
    }

    public static byte[] Encode(SnapshotMeta meta, ReadOnlySpan<uint> crcs)
    {
        var head = EncodeMeta(meta);
        var bytes = new byte[head.Length + (sizeof(uint) * (crcs.Length + 1)) + FooterBytes];
        head.CopyTo(bytes, 0);
        var at = head.Length;
        foreach (var crc in crcs)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), crc);
            at += sizeof(uint);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), Crc32C.Compute(bytes.AsSpan(0, at)));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 4), bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + 8), Magic);
        return bytes;
    }

    /// <summary>Reads the end of a file; null if it is not that of a whole snapshot.</summary>
    public static (SnapshotMeta Meta, uint[] Crcs)? Read(StoreFile file)
    {
        Span<byte> footer = stackalloc byte[FooterBytes];
        var fileBytes = file.Length;
        if (fileBytes < FooterBytes || file.Read(fileBytes - FooterBytes, footer) != FooterBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(footer[4..]) != Magic)
        {
            return null;
        }

        var trailerBytes = BinaryPrimitives.ReadUInt32LittleEndian(footer);
        if (trailerBytes > Math.Min(fileBytes, TrailerBytesMax)
            || trailerBytes < MetaBytes + sizeof(uint) + FooterBytes)
        {
            return null;
        }

        var trailer = new byte[trailerBytes];
        var crcAt = trailer.Length - FooterBytes - sizeof(uint);
        if (file.Read(fileBytes - trailerBytes, trailer) != trailer.Length
            || BinaryPrimitives.ReadUInt32LittleEndian(trailer.AsSpan(crcAt))
                != Crc32C.Compute(trailer.AsSpan(0, crcAt))
            || DecodeMeta(trailer.AsSpan(0, crcAt), out var head) is not { } meta
            || meta.SizeBytes != fileBytes - trailerBytes
            || crcAt - head != sizeof(uint) * (long)SnapshotFile.PieceCount(meta.SizeBytes))
        {
            return null;
        }

        var crcs = new uint[(crcAt - head) / sizeof(uint)];
        for (var i = 0; i < crcs.Length; i++)
        {
            crcs[i] = BinaryPrimitives.ReadUInt32LittleEndian(trailer.AsSpan(head + (i * sizeof(uint))));
        }

        return (meta, crcs);
    }
}
