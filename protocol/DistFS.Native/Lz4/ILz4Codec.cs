namespace DistFS.Native;

/// <summary>
/// One implementation of the LZ4 block format (lz4_Block_format.md of the LZ4 project). Static, so that a caller that
/// is generic over the codec pays for no virtual call.
/// </summary>
internal interface ILz4Codec
{
    /// <summary>
    /// Writes <paramref name="source"/> as one block. Returns its length, or 0 when it does not fit
    /// <paramref name="destination"/>, whose content is then undefined.
    /// </summary>
    /// <param name="source">Any bytes, none included.</param>
    /// <param name="destination">Never written outside of.</param>
    /// <param name="acceleration">
    /// 1 (best ratio) to 65,537: how fast the search gives up on data that does not compress.
    /// </param>
    static abstract int Compress(ReadOnlySpan<byte> source, Span<byte> destination, int acceleration);

    /// <summary>
    /// Reads one block. Returns the number of bytes written from the start of <paramref name="destination"/>, or a
    /// negative number when the block is damaged or its content is longer than <paramref name="destination"/>.
    /// </summary>
    static abstract int Decompress(ReadOnlySpan<byte> source, Span<byte> destination);
}
