using System.Buffers;
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
    private const int DigitsOfId = 16;
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

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

    /// <summary>Whether <see cref="NameOf"/> gives such names.</summary>
    public static bool IsName(string name)
    {
        var id = StoreFiles.SnapshotPrefix.Length + DigitsOfIndex + 1;
        return name.Length == id + DigitsOfId + StoreFiles.SnapshotSuffix.Length
            && name.StartsWith(StoreFiles.SnapshotPrefix, StringComparison.Ordinal)
            && name.EndsWith(StoreFiles.SnapshotSuffix, StringComparison.Ordinal)
            && !name.AsSpan(StoreFiles.SnapshotPrefix.Length, DigitsOfIndex).ContainsAnyExceptInRange('0', '9')
            && name[id - 1] == '-'
            && !name.AsSpan(id, DigitsOfId).ContainsAnyExcept(HexDigits);
    }

    /// <summary>The snapshot in the file of that name, or null if it is not whole.</summary>
    /// <exception cref="StoreRefusedException">It has a format that is not known here.</exception>
    public static SnapshotFile? TryOpen(StoreDisk disk, string name)
    {
        if (disk.TryOpen(name) is not { } file)
        {
            return null;
        }

        try
        {
            if (SnapshotTrailer.Read(file, disk.Name) is var (meta, crcs))
            {
                return new SnapshotFile(file, name, meta, crcs);
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }

        file.Dispose();
        return null;
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
