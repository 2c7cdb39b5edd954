namespace DistFS.Blocks;

/// <summary>A piece as a store has it.</summary>
/// <param name="Header">What it is; its checksum is not looked at.</param>
/// <param name="Bytes">All of it, the header included; valid as long as its owner says.</param>
public readonly record struct StoredPiece(PieceHeader Header, ReadOnlyMemory<byte> Bytes);
