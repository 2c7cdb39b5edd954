using System.Buffers.Binary;
using System.Text;
using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Metaserver.State;

/// <summary>A folder of files as one stream of bytes (docs/design/metaserver.md, Snapshots).</summary>
internal static class StateStream
{
    private const uint Version = 1;
    private const int NameBytesMax = 255;
    private const int PieceBytes = 1 << 20;

    private static ReadOnlySpan<byte> Magic => "DFSSTATE"u8;

    /// <summary>Writes the files of a folder, in the order of their names.</summary>
    public static void Write(string folder, Stream destination)
    {
        Span<byte> numbers = stackalloc byte[sizeof(long)];
        destination.Write(Magic);
        WriteNumber(destination, numbers[..sizeof(uint)], Version);
        foreach (var path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            var name = Encoding.UTF8.GetBytes(Path.GetFileName(path));
            Check.That(name.Length <= NameBytesMax);
            WriteNumber(destination, numbers[..sizeof(uint)], (uint)name.Length);
            destination.Write(name);
            using var file = File.OpenRead(path);
            WriteNumber(destination, numbers, (ulong)file.Length);
            file.CopyTo(destination, PieceBytes);
        }

        WriteNumber(destination, numbers[..sizeof(uint)], 0);
    }

    /// <summary>Makes the files anew in a folder that is empty, durably.</summary>
    /// <exception cref="DistFsException">The stream is no such folder, or one of a newer version.</exception>
    public static void Read(Stream source, string folder)
    {
        Span<byte> magic = stackalloc byte[Magic.Length];
        ReadExactly(source, magic);
        if (!magic.SequenceEqual(Magic) || ReadNumber(source, sizeof(uint)) is not Version)
        {
            throw Refused("it is no snapshot of metadata, or one of a newer version");
        }

        var piece = new byte[PieceBytes];
        while (ReadNumber(source, sizeof(uint)) is var length and > 0)
        {
            if (length > NameBytesMax)
            {
                throw Refused($"a file name has {length} bytes");
            }

            ReadExactly(source, piece.AsSpan(0, (int)length));
            var name = Encoding.UTF8.GetString(piece, 0, (int)length);
            if (name is "." or ".." || name.AsSpan().ContainsAny('/', '\\', '\0'))
            {
                throw Refused($"'{name}' is no name of a file");
            }

            using var file = new FileStream(Path.Combine(folder, name), FileMode.CreateNew);
            for (var left = ReadNumber(source, sizeof(ulong)); left > 0;)
            {
                var count = (int)Math.Min(left, PieceBytes);
                ReadExactly(source, piece.AsSpan(0, count));
                file.Write(piece, 0, count);
                left -= (ulong)count;
            }

            file.Flush(flushToDisk: true);
        }

        Posix.FsyncDirectory(folder);
    }

    private static void WriteNumber(Stream destination, Span<byte> bytes, ulong value)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(value >> (8 * i));
        }

        destination.Write(bytes);
    }

    private static ulong ReadNumber(Stream source, int bytes)
    {
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        number.Clear();
        ReadExactly(source, number[..bytes]);
        return BinaryPrimitives.ReadUInt64LittleEndian(number);
    }

    private static void ReadExactly(Stream source, Span<byte> destination)
    {
        if (source.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false) < destination.Length)
        {
            throw Refused("it ends too early");
        }
    }

    private static DistFsException Refused(string why) => new(
        ErrorCatalog.StateRefused,
        $"The snapshot cannot be put in place: {why}. All metaservers of a cluster need the same version of DistFS.");
}
