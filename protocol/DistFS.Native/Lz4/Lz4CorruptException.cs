using DistFS.Primitives;

namespace DistFS.Native;

/// <summary>
/// Bytes that are not an LZ4 block, or one whose content does not have the expected length
/// (<see cref="ErrorCatalog.CompressionCorrupt"/>).
/// </summary>
public sealed class Lz4CorruptException : DistFsException
{
    internal Lz4CorruptException(int compressedLength, int capacity)
        : base(
            ErrorCatalog.CompressionCorrupt,
            $"An LZ4 block of {compressedLength} bytes is damaged, or does not decode to {capacity} bytes.")
    {
    }
}
