namespace DistFS.Native;

/// <summary>
/// The LZ4 block format in managed code, for systems that have no liblz4 (Windows and macOS as a rule). A port of the
/// method of lz4.c (Yann Collet, BSD 2-clause): a greedy search over a hash table of positions, one probe per position,
/// skipping faster the longer nothing was found.
/// </summary>
/// <remarks>
/// Rules at the end of a block (lz4_Block_format.md, "End of block conditions"): its last five bytes are literals, and
/// the last match starts at least twelve bytes before the end. Decoders of other projects depend on both to copy in
/// words. Copies here are wide too ("wild"), each guarded so that none leaves the spans.
/// </remarks>
internal sealed unsafe partial class ManagedLz4 : ILz4Codec
{
    /// <summary>A match of fewer bytes is not worth its three bytes of code.</summary>
    private const int MatchBytesMin = 4;

    /// <summary>The last bytes of a block are literals.</summary>
    private const int LastLiterals = 5;

    /// <summary>A match starts at least this far before the end of the content.</summary>
    private const int MatchFromEndMin = 12;

    /// <summary>The most that a token's nibble holds; more is continued in bytes of 255.</summary>
    private const int NibbleMax = 15;

    /// <summary>The window: an offset has 16 bits.</summary>
    private const int DistanceMax = 65_535;

    private ManagedLz4()
    {
    }

    /// <inheritdoc/>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> destination, int acceleration)
    {
        if (destination.IsEmpty)
        {
            return 0;
        }

        acceleration = Math.Clamp(acceleration, 1, AccelerationMax);
        byte none = 0;
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            var start = from is null ? &none : from;
            return source.Length <= Narrow.SourceBytesMax
                ? CompressNarrow(start, source.Length, to, destination.Length, acceleration)
                : CompressWide(start, source.Length, to, destination.Length, acceleration);
        }
    }

    /// <inheritdoc/>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (source.IsEmpty)
        {
            return -1;
        }

        byte none = 0;
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            return Decode(from, source.Length, to is null ? &none : to, destination.Length);
        }
    }
}
