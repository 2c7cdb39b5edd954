using System.Buffers;
using System.Runtime.InteropServices;
using DistFS.Blocks;

namespace DistFS.Chunkserver.Data;

/// <summary>A piece of a reply, which is sent from where the store has it.</summary>
internal sealed class PieceSegment : ReadOnlySequenceSegment<byte>
{
    private PieceSegment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

    /// <summary>
    /// Pieces one behind the other; those that lie so in memory too are one segment, and leave with one send.
    /// </summary>
    public static ReadOnlySequence<byte> Join(ReadOnlySpan<StoredPiece> pieces)
    {
        PieceSegment? first = null;
        PieceSegment? last = null;
        for (var i = 0; i < pieces.Length;)
        {
            var memory = Longest(pieces[i..], out var count);
            i += count;
            if (i == pieces.Length && first == null)
            {
                return new ReadOnlySequence<byte>(memory);
            }

            var next = new PieceSegment(memory, last == null ? 0 : last.RunningIndex + last.Memory.Length);
            first ??= next;
            last?.Next = next;
            last = next;
        }

        return first == null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    /// <summary>The memory of the first piece, and of those behind it that go on where it ends.</summary>
    private static ReadOnlyMemory<byte> Longest(ReadOnlySpan<StoredPiece> pieces, out int count)
    {
        count = 1;
        if (!MemoryMarshal.TryGetArray(pieces[0].Bytes, out var whole))
        {
            return pieces[0].Bytes;
        }

        while (count < pieces.Length && MemoryMarshal.TryGetArray(pieces[count].Bytes, out var next)
            && next.Array == whole.Array && next.Offset == whole.Offset + whole.Count)
        {
            whole = new ArraySegment<byte>(whole.Array!, whole.Offset, whole.Count + next.Count);
            count++;
        }

        return whole;
    }
}
