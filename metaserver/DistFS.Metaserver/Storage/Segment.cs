using System.Buffers.Binary;
using System.Globalization;
using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <summary>What a file of the log says of itself, twice in its first sector, which is never written again.</summary>
internal readonly record struct SegmentHeader(StoreId Store, ulong Epoch, LogIndex First, uint PreviousCrc)
{
    /// <summary>Records start here.</summary>
    public const int AreaBytes = 512;
    public const int SizeBytes = 48;
    private const int SecondCopy = AreaBytes / 2;
    private const uint Magic = 0x474C5344; // "DSLG"
    private const uint Version = 1;

    public void Write(Span<byte> area)
    {
        area[..AreaBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(area, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(area[4..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(area[8..], Store.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(area[16..], Epoch);
        BinaryPrimitives.WriteUInt64LittleEndian(area[24..], First.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(area[32..], PreviousCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(area[44..], Crc32C.Compute(area[..44]));
        area[..SizeBytes].CopyTo(area[SecondCopy..]);
    }

    /// <summary>The header, or null if neither copy is good.</summary>
    /// <exception cref="StoreRefusedException">It has a format that is not known here.</exception>
    public static SegmentHeader? Read(ReadOnlySpan<byte> area, string name) =>
        ReadCopy(area, name) ?? (area.Length > SecondCopy ? ReadCopy(area[SecondCopy..], name) : null);

    private static SegmentHeader? ReadCopy(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length < SizeBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[44..]) != Crc32C.Compute(bytes[..44]))
        {
            return null;
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        return version == Version
            ? new SegmentHeader(
                new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..])),
                BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
                new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..])),
                BinaryPrimitives.ReadUInt32LittleEndian(bytes[32..]))
            : throw new StoreRefusedException(ErrorCatalog.StoreFormatUnknown,
                $"'{name}' has format {version}, but this version of DistFS knows {Version} only.");
    }
}

/// <summary>
/// A file of the log, and where its records are. Who reads holds a use, so that the file stays open under it when it is
/// compacted away.
/// </summary>
internal sealed class Segment(StoreFile file, LogIndex first, uint previousCrc) : IDisposable
{
    private const int DigitsOfName = 20;
    private readonly List<int> _offsets = [];
    private int _uses = 1;

    public StoreFile File { get; private set; } = file;

    public LogIndex First => first;

    /// <summary>The CRC of the record before <see cref="First"/>; zero if there is none.</summary>
    public uint PreviousCrc => previousCrc;

    /// <summary>The index after its last record.</summary>
    public LogIndex Next => new(first.Value + (ulong)_offsets.Count);

    /// <summary>Where its last record ends.</summary>
    public int End { get; private set; } = SegmentHeader.AreaBytes;

    public static string NameOf(LogIndex first) => string.Create(
        CultureInfo.InvariantCulture, $"{StoreFiles.SegmentPrefix}{first.Value:d20}{StoreFiles.SegmentSuffix}");

    /// <summary>The first index in a name, or null if it is not one that we give.</summary>
    public static LogIndex? FirstOf(string name)
    {
        var digits = name.AsSpan(StoreFiles.SegmentPrefix.Length);
        return digits.EndsWith(StoreFiles.SegmentSuffix)
            && digits.Length == DigitsOfName + StoreFiles.SegmentSuffix.Length
            && ulong.TryParse(digits[..DigitsOfName], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            ? new LogIndex(first)
            : null;
    }

    /// <summary>A record was written, or found, behind the last one.</summary>
    public void Add(int offset, int sizeBytes)
    {
        _offsets.Add(offset);
        End = offset + sizeBytes;
    }

    public int OffsetOf(LogIndex index) => _offsets[(int)(index.Value - first.Value)];

    /// <summary>Where the record after this one starts at the latest.</summary>
    public int LimitOf(LogIndex index)
    {
        var next = (int)(index.Value - first.Value) + 1;
        return next < _offsets.Count ? _offsets[next] : End;
    }

    /// <summary>The same bytes are in another file from now on; before anyone reads.</summary>
    public void MoveTo(StoreFile other)
    {
        File.Dispose();
        File = other;
    }

    /// <summary>Forgets the records from an index on; returns where the first of them was.</summary>
    public int Cut(LogIndex from)
    {
        var keep = (int)(from.Value - first.Value);
        if (keep >= _offsets.Count)
        {
            return End;
        }

        var offset = _offsets[keep];
        _offsets.RemoveRange(keep, _offsets.Count - keep);
        End = offset;
        return offset;
    }

    /// <summary>Keeps the file open; under the log's lock.</summary>
    public void Use() => Interlocked.Increment(ref _uses);

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _uses) == 0)
        {
            File.Dispose();
        }
    }
}
