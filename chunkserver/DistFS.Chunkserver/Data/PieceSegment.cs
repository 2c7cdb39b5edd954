using System.Buffers;
using DistFS.Blocks;

namespace DistFS.Chunkserver.Data;

/// <summary>A piece of a reply, which is sent from where the store has it.</summary>
internal sealed class PieceSegment : ReadOnlySequenceSegment<byte>
{
    private PieceSegment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

    /// <summary>Pieces one behind the other.</summary>
    public static ReadOnlySequence<byte> Join(ReadOnlySpan<StoredPiece> pieces)
    {
        if (pieces.Length <= 1)
        {
            return pieces.IsEmpty ? default : new ReadOnlySequence<byte>(pieces[0].Bytes);
        }

        var first = new PieceSegment(pieces[0].Bytes, 0);
        var last = first;
        foreach (var piece in pieces[1..])
        {
            var next = new PieceSegment(piece.Bytes, last.RunningIndex + last.Memory.Length);
            last.Next = next;
            last = next;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }
}
