using DistFS.Primitives;

namespace DistFS.Blocks;

/// <summary>
/// Pieces one behind the other, each with the right checksum. Only <see cref="Verify"/> makes them: who is given some
/// need not look again.
/// </summary>
public readonly record struct VerifiedPieces
{
    private VerifiedPieces(ReadOnlyMemory<byte> memory) => Memory = memory;

    /// <summary>The pieces; not to be changed as long as somebody uses them.</summary>
    public ReadOnlyMemory<byte> Memory { get; }

    /// <summary>The pieces.</summary>
    public ReadOnlySpan<byte> Span => Memory.Span;

    /// <summary>Looks at every checksum.</summary>
    /// <param name="pieces">Pieces; none is right too.</param>
    /// <param name="verified">The same, when there is no fault.</param>
    /// <param name="block">The block of the first one that is damaged; otherwise 0.</param>
    public static PieceFault Verify(
        ReadOnlyMemory<byte> pieces, out VerifiedPieces verified, out BlockIndex block)
    {
        var fault = PieceReader.Verify(pieces.Span, out block);
        verified = fault == PieceFault.None ? new VerifiedPieces(pieces) : default;
        return fault;
    }
}
