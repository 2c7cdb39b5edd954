using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Sessions;

/// <summary>
/// Replies that are in the row of their session, behind it, in the order in which they were given, none acknowledged:
/// {sequence 8, digest 8, length 2, reply}. A client with few requests under way costs no row per request so.
/// </summary>
internal readonly ref struct SavedReplies(ReadOnlySpan<byte> bytes)
{
    /// <summary>
    /// All of one session. The row is written with every request, also of a client with many under way; and stays short
    /// enough to be kept in memory (<see cref="Store.Changes"/>).
    /// </summary>
    public const int BytesMax = 256;

    private const int HeaderBytes = 18;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>What a reply takes.</summary>
    public static int SizeOf(ReadOnlySpan<byte> reply) => HeaderBytes + reply.Length;

    /// <summary>The reply of a request, if it is here.</summary>
    /// <exception cref="RowFormatException">They are none.</exception>
    public bool TryFind(ulong sequence, out ulong digest, out ReadOnlySpan<byte> reply)
    {
        for (var rest = _bytes; rest.Length > 0;)
        {
            Next(ref rest, out var of, out digest, out reply);
            if (of == sequence)
            {
                return true;
            }
        }

        digest = 0;
        reply = default;
        return false;
    }

    /// <summary>What those of later requests than one take.</summary>
    public int BytesAfter(ulong acknowledged)
    {
        var sum = 0;
        for (var rest = _bytes; rest.Length > 0;)
        {
            Next(ref rest, out var sequence, out _, out var reply);
            sum += sequence > acknowledged ? SizeOf(reply) : 0;
        }

        return sum;
    }

    /// <summary>Appends those of later requests than one.</summary>
    public void CopyAfter(ulong acknowledged, ArrayBufferWriter<byte> to)
    {
        for (var rest = _bytes; rest.Length > 0;)
        {
            Next(ref rest, out var sequence, out var digest, out var reply);
            if (sequence > acknowledged)
            {
                Append(sequence, digest, reply, to);
            }
        }
    }

    /// <summary>Appends one.</summary>
    public static void Append(ulong sequence, ulong digest, ReadOnlySpan<byte> reply, ArrayBufferWriter<byte> to)
    {
        var at = to.GetSpan(SizeOf(reply));
        BinaryPrimitives.WriteUInt64LittleEndian(at, sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(at[8..], digest);
        BinaryPrimitives.WriteUInt16LittleEndian(at[16..], checked((ushort)reply.Length));
        reply.CopyTo(at[HeaderBytes..]);
        to.Advance(SizeOf(reply));
    }

    private void Next(
        scoped ref ReadOnlySpan<byte> rest, out ulong sequence, out ulong digest, out ReadOnlySpan<byte> reply)
    {
        var length = rest.Length < HeaderBytes ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(rest[16..]);
        RowFormatException.ThrowIf(rest.Length < HeaderBytes + length, RowTable.Session, _bytes);
        sequence = BinaryPrimitives.ReadUInt64LittleEndian(rest);
        digest = BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]);
        reply = rest.Slice(HeaderBytes, length);
        rest = rest[(HeaderBytes + length)..];
    }
}
