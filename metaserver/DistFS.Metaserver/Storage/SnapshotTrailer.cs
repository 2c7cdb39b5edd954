using System.Buffers.Binary;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// The end of a snapshot's file, all of it twice and in different blocks of the disk, so that one bad sector does not
/// lose it: a copy, 4,096 zeros, a copy, a footer, 4,088 zeros, a footer. A copy is {magic u32, version u32, id u64,
/// term u64, index u64, size u64, checksum u32, length of the configuration u32, the configuration, a CRC-32C u32 of
/// each piece, CRC-32C u32 of all before}; a footer {length of a copy u32, magic u32}.
/// </summary>
internal static class SnapshotTrailer
{
    private const uint Magic = 0x4E534453; // "SDSN"
    private const uint Version = 2;
    private const int MetaBytes = 48;
    private const int FooterBytes = 8;
    private const int BlockBytes = 4096;
    private const int CopyBytesMax = 64 << 20;

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
        var copyBytes = head.Length + (sizeof(uint) * (crcs.Length + 1));
        var bytes = new byte[SizeBytes(copyBytes)];
        var copy = bytes.AsSpan(0, copyBytes);
        head.CopyTo(copy);
        for (var i = 0; i < crcs.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(copy[(head.Length + (i * sizeof(uint)))..], crcs[i]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(copy[^sizeof(uint)..], Crc32C.Compute(copy[..^sizeof(uint)]));
        copy.CopyTo(bytes.AsSpan(copyBytes + BlockBytes));
        foreach (var end in (ReadOnlySpan<int>)[bytes.Length, bytes.Length - BlockBytes])
        {
            var footer = bytes.AsSpan(end - FooterBytes, FooterBytes);
            BinaryPrimitives.WriteInt32LittleEndian(footer, copyBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(footer[4..], Magic);
        }

        return bytes;
    }

    /// <summary>Reads the end of a file; null if it is not that of a whole snapshot.</summary>
    /// <exception cref="StoreRefusedException">It has a format that is not known here.</exception>
    public static (SnapshotMeta Meta, uint[] Crcs)? Read(StoreFile file, string folder)
    {
        Span<byte> footer = stackalloc byte[FooterBytes];
        var fileBytes = file.Length;
        foreach (var end in (ReadOnlySpan<long>)[fileBytes, fileBytes - BlockBytes])
        {
            if (end < FooterBytes || file.Read(end - FooterBytes, footer) != FooterBytes
                || BinaryPrimitives.ReadUInt32LittleEndian(footer[4..]) != Magic)
            {
                continue;
            }

            var copyBytes = BinaryPrimitives.ReadUInt32LittleEndian(footer);
            if (copyBytes > Math.Min(fileBytes, CopyBytesMax) || copyBytes < MetaBytes + sizeof(uint))
            {
                continue;
            }

            // Format 1 had one copy, and counted its footer.
            var start = fileBytes - SizeBytes((int)copyBytes);
            if ((ReadCopy(file, folder, start, (int)copyBytes)
                ?? ReadCopy(file, folder, start + copyBytes + BlockBytes, (int)copyBytes)
                ?? ReadCopy(file, folder, fileBytes - copyBytes, (int)copyBytes - FooterBytes)) is { } found
                && found.Meta.SizeBytes == start)
            {
                return found;
            }
        }

        return null;
    }

    private static int SizeBytes(int copyBytes) => (2 * copyBytes) + (2 * BlockBytes) + FooterBytes;

    private static (SnapshotMeta Meta, uint[] Crcs)? ReadCopy(StoreFile file, string folder, long offset, int length)
    {
        if (offset < 0 || length < MetaBytes + sizeof(uint))
        {
            return null;
        }

        var copy = new byte[length];
        var content = copy.AsSpan(0, length - sizeof(uint));
        if (file.Read(offset, copy) != length
            || BinaryPrimitives.ReadUInt32LittleEndian(copy.AsSpan(content.Length)) != Crc32C.Compute(content)
            || BinaryPrimitives.ReadUInt32LittleEndian(content) != Magic)
        {
            return null;
        }

        // The bytes are as they were written: what is not understood is of another version, and no damage.
        var version = BinaryPrimitives.ReadUInt32LittleEndian(content[4..]);
        if (version != Version)
        {
            throw new StoreRefusedException(
                ErrorCatalog.StoreFormatUnknown,
                $"{folder}: '{file.Name}' has format {version}, but this version of DistFS knows {Version} only.");
        }

        if (DecodeMeta(content, out var head) is not { } meta
            || content.Length - head != sizeof(uint) * (long)SnapshotFile.PieceCount(meta.SizeBytes))
        {
            return null;
        }

        var crcs = new uint[(content.Length - head) / sizeof(uint)];
        for (var i = 0; i < crcs.Length; i++)
        {
            crcs[i] = BinaryPrimitives.ReadUInt32LittleEndian(content[(head + (i * sizeof(uint)))..]);
        }

        return (meta, crcs);
    }
}
