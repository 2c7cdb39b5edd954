using DistFS.Primitives;

namespace DistFS.Blocks;

/// <summary>Walks over pieces that lie one behind the other, as they are written and sent.</summary>
/// <example>
/// <code>
/// var reader = new PieceReader(payload);
/// while (reader.Next(out var header, out var piece)) { ... }
/// if (reader.Fault != PieceFault.None) { ... }
/// </code>
/// </example>
/// <param name="pieces">The pieces.</param>
public ref struct PieceReader(ReadOnlySpan<byte> pieces)
{
    private ReadOnlySpan<byte> _rest = pieces;

    /// <summary>Why the walk ended; none at the end.</summary>
    public PieceFault Fault { get; private set; }

    /// <summary>The next piece, whose fields are in their ranges and whose checksum is not looked at.</summary>
    public bool Next(out PieceHeader header, out ReadOnlySpan<byte> piece)
    {
        header = default;
        piece = default;
        if (_rest.IsEmpty || Fault != PieceFault.None)
        {
            return false;
        }

        Fault = PieceHeader.Read(_rest, out header);
        if (Fault == PieceFault.None && header.TotalBytes > _rest.Length)
        {
            Fault = PieceFault.Length;
        }

        if (Fault != PieceFault.None)
        {
            return false;
        }

        piece = _rest[..header.TotalBytes];
        _rest = _rest[header.TotalBytes..];
        return true;
    }

    /// <summary>Checks that some bytes are whole pieces, each with the right checksum.</summary>
    /// <param name="pieces">The pieces; none is right too.</param>
    /// <param name="block">The block of the first one that is not; otherwise 0.</param>
    public static PieceFault Verify(ReadOnlySpan<byte> pieces, out BlockIndex block)
    {
        var reader = new PieceReader(pieces);
        block = default;
        while (reader.Next(out var header, out var piece))
        {
            if (PieceHeader.ChecksumOf(piece) != header.Checksum)
            {
                block = header.Block;
                return PieceFault.Checksum;
            }
        }

        return reader.Fault;
    }
}
