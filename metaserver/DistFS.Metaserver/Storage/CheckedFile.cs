using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// A small file that is replaced as a whole, in one step: written under another name, synced, renamed, and the folder
/// synced. It holds its bytes twice, in different blocks of the disk, so that one bad sector does not lose it.
/// </summary>
/// <remarks>
/// A copy is {magic u32, version u32, payload's length u32, payload, CRC-32C u32 of all before}; the second copy starts
/// at half of the file, a multiple of 4,096.
/// </remarks>
internal static class CheckedFile
{
    public const uint Version = 1;
    private const int HeaderBytes = 12;
    private const int BlockBytes = 4096;
    private const int FileBytesMax = 1 << 20;

    public static byte[] Encode(uint magic, ReadOnlySpan<byte> payload)
    {
        var copyBytes = HeaderBytes + payload.Length + sizeof(uint);
        var half = (copyBytes + BlockBytes - 1) / BlockBytes * BlockBytes;
        var bytes = new byte[2 * half];
        var copy = bytes.AsSpan(0, copyBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(copy, magic);
        BinaryPrimitives.WriteUInt32LittleEndian(copy[4..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(copy[8..], payload.Length);
        payload.CopyTo(copy[HeaderBytes..]);
        BinaryPrimitives.WriteUInt32LittleEndian(copy[^4..], Crc32C.Compute(copy[..^4]));
        copy.CopyTo(bytes.AsSpan(half));
        return bytes;
    }

    public static void Write(
        StoreDisk disk, string name, uint magic, ReadOnlySpan<byte> payload, bool isScratch = false)
    {
        var bytes = Encode(magic, payload);
        disk.Replace(name, file => file.Write(0, bytes), isScratch);
    }

    /// <summary>
    /// The payload; null if there is no such file, or with <paramref name="isDamaged"/>, if neither copy is good.
    /// </summary>
    /// <exception cref="StoreRefusedException">It has a format that is not known here.</exception>
    public static byte[]? Read(StoreDisk disk, string name, uint magic, out bool isDamaged)
    {
        isDamaged = false;
        using var file = disk.TryOpen(name);
        if (file == null)
        {
            return null;
        }

        var length = file.Length;
        isDamaged = true;
        if (length > FileBytesMax)
        {
            return null;
        }

        var bytes = new byte[length];
        var read = bytes.AsSpan(0, file.Read(0, bytes));
        var payload = Decode(read, magic, disk.Name, name) ?? Decode(read[(read.Length / 2)..], magic, disk.Name, name);
        isDamaged = payload == null;
        return payload;
    }

    private static byte[]? Decode(ReadOnlySpan<byte> copy, uint magic, string folder, string name)
    {
        if (copy.Length < HeaderBytes + sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(copy) != magic)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(copy[8..]);
        if (length > copy.Length - HeaderBytes - sizeof(uint))
        {
            return null;
        }

        var end = HeaderBytes + (int)length;
        if (BinaryPrimitives.ReadUInt32LittleEndian(copy[end..]) != Crc32C.Compute(copy[..end]))
        {
            return null;
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(copy[4..]);
        return version == Version ? copy[HeaderBytes..end].ToArray() : throw new StoreRefusedException(
            ErrorCatalog.StoreFormatUnknown,
            $"{folder}: '{name}' has format {version}, but this version of DistFS knows {Version} only.");
    }
}
