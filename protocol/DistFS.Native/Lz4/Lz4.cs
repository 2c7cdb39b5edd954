using DistFS.Primitives;

namespace DistFS.Native;

/// <summary>
/// The LZ4 block format, through liblz4 where it is installed and through managed code elsewhere. Both produce and read
/// the same format, so a block written on one machine is read on every other. Safe for concurrent use.
/// </summary>
/// <remarks>
/// The choice is made once per process: <c>DISTFS_LZ4</c> names a file to load, or is <c>managed</c> to use no library;
/// without it the usual names are tried, and a library that is absent is not an error.
/// </remarks>
public static class Lz4
{
    /// <summary>The longest input of one block, in bytes (LZ4_MAX_INPUT_SIZE).</summary>
    public const int InputBytesMax = 0x7E000000;

    // Read-only statics, so that compiled code holds the choice as a constant.
    private static readonly DistFsException? LoadError = NativeLibraries.Lz4.Error;
    private static readonly bool UsesNative = NativeLibraries.Lz4.IsLoaded;

    /// <summary>The codec in use: "liblz4 1.9.4" or "managed".</summary>
    public static string Implementation => UsesNative ? $"liblz4 {NativeLz4.Version}" : "managed";

    /// <summary>Whether liblz4 is in use.</summary>
    public static bool IsNative => UsesNative;

    /// <summary>The longest block that <paramref name="length"/> bytes can become (LZ4_compressBound).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative or over <see cref="InputBytesMax"/>.</exception>
    public static int MaxCompressedLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, InputBytesMax);
        return length + (length / 255) + 16;
    }

    /// <summary>
    /// Compresses <paramref name="source"/> into one block. A destination shorter than
    /// <see cref="MaxCompressedLength"/> is a limit: the search ends as soon as the block cannot fit it, which is how a
    /// caller asks for "only if it saves enough" without paying for the rest.
    /// </summary>
    /// <returns>The block's length, or 0 when it does not fit; the destination's content is then undefined.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The source is longer than <see cref="InputBytesMax"/>.</exception>
    /// <exception cref="NativeLibraryMissingException">DISTFS_LZ4 names a file that cannot be loaded.</exception>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.Length, InputBytesMax, nameof(source));
        ThrowIfUnusable();
        return UsesNative
            ? NativeLz4.Compress(source, destination, acceleration: 1)
            : ManagedLz4.Compress(source, destination, acceleration: 1);
    }

    /// <summary>Decodes one block, which must be the whole of <paramref name="source"/>.</summary>
    /// <returns>The number of bytes decoded, at most the destination's length.</returns>
    /// <exception cref="Lz4CorruptException">
    /// The block is damaged, or longer than the destination; the destination's content is then undefined.
    /// </exception>
    /// <exception cref="NativeLibraryMissingException">DISTFS_LZ4 names a file that cannot be loaded.</exception>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> destination) =>
        TryDecompress(source, destination, out var written)
            ? written
            : throw new Lz4CorruptException(source.Length, destination.Length);

    /// <summary>Decodes one block that must fill <paramref name="destination"/> to its last byte.</summary>
    /// <exception cref="Lz4CorruptException">The block is damaged, or its content is shorter or longer.</exception>
    /// <exception cref="NativeLibraryMissingException">DISTFS_LZ4 names a file that cannot be loaded.</exception>
    public static void DecompressExactly(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (!TryDecompress(source, destination, out var written) || written != destination.Length)
        {
            throw new Lz4CorruptException(source.Length, destination.Length);
        }
    }

    /// <summary>As <see cref="Decompress"/>, for callers to whom damaged bytes are no exception.</summary>
    /// <exception cref="NativeLibraryMissingException">DISTFS_LZ4 names a file that cannot be loaded.</exception>
    public static bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> destination, out int written)
    {
        ThrowIfUnusable();
        written = UsesNative
            ? NativeLz4.Decompress(source, destination)
            : ManagedLz4.Decompress(source, destination);
        if (written >= 0)
        {
            return true;
        }

        written = 0;
        return false;
    }

    // A library that was asked for and cannot be loaded is an error of the configuration, not a reason to run slower in
    // silence. Kept as a value: a type initializer that throws would hide the reason from every later caller.
    private static void ThrowIfUnusable()
    {
        if (LoadError is not null)
        {
            throw LoadError;
        }
    }
}
