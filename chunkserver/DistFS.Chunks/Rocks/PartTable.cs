using System.Buffers.Binary;
using DistFS.Native;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Chunks;

/// <summary>
/// Where the blocks of a part lie in its file, so that they can be read past the engine: one call for many of them, and
/// no checksum but their writer's, which whoever gets them looks at. For any thread.
/// </summary>
/// <remarks>
/// The file is one of RocksDB's tables (table/format.cc, table/block_based there): a footer of 53 bytes, which says
/// where the index is; in that, for each data block, its offset and length. A piece of more than 4 KiB has a data block
/// of its own: the length of its key, of its value, the key, the piece, then the engine's own. The key is looked at
/// with each read: so a file that is another part's, or laid out otherwise, is noticed, and the engine asked.
/// </remarks>
internal sealed class PartTable
{
    /// <summary>Pieces that are read in one call.</summary>
    public const int PiecesMax = 16;

    /// <summary>Room for what lies between two pieces in the file: 13 bytes of the one, 33 of the next.</summary>
    public const int GapBytes = 48;

    private const int FooterBytes = 53;
    private const ulong FooterMagic = 0x88e241b785f4cff7;

    // Of a data block: one restart point and their number; then its codec and checksum.
    private const int RestartBytes = 8;
    private const int TrailerBytes = 5;

    // With the sequence number and the kind of the entry.
    private const int KeyBytes = StoreKeys.BlockBytes + sizeof(ulong);
    private const byte KindValue = 1;
    private const int IndexBytesMax = 1 << 20;

    private readonly SafeFileHandle _file;
    private readonly uint _first;

    // Where the data block of each piece begins, and at the end where that of the last one ends.
    private readonly uint[] _starts;

    private PartTable(SafeFileHandle file, uint first, uint[] starts) =>
        (_file, _first, _starts) = (file, first, starts);

    /// <summary>Reads the index of a file.</summary>
    /// <param name="file">Stays the caller's; used as long as the table is.</param>
    /// <returns>Null: it is not laid out as is known here.</returns>
    public static PartTable? Read(SafeFileHandle file)
    {
        var length = RandomAccess.GetLength(file);
        Span<byte> footer = stackalloc byte[FooterBytes];
        if (length is < FooterBytes or > uint.MaxValue
            || RandomAccess.Read(file, footer, length - FooterBytes) != FooterBytes
            || BinaryPrimitives.ReadUInt64LittleEndian(footer[^8..]) != FooterMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(footer[^12..]) is not (4 or 5))
        {
            return null;
        }

        // Of the table of other blocks first, which is skipped, and then of the index.
        ReadOnlySpan<byte> handles = footer[1..];
        if (!TryTakeHandle(ref handles, out _, out _) || !TryTakeHandle(ref handles, out var at, out var bytes)
            || bytes > (ulong)Math.Min(length, IndexBytesMax) || at > (ulong)length - bytes)
        {
            return null;
        }

        var index = new byte[bytes];
        if (RandomAccess.Read(file, index, (long)at) != index.Length || StartsOf(index) is not { } starts)
        {
            return null;
        }

        Span<byte> head = stackalloc byte[GapBytes];
        return RandomAccess.Read(file, head, starts[0]) == GapBytes && KeyOf(head, out _) is { IsEmpty: false } key
            ? new PartTable(file, BinaryPrimitives.ReadUInt32BigEndian(key[16..]), starts)
            : null;
    }

    /// <summary>Pieces that can be read in one call, from one on.</summary>
    /// <param name="block">The first.</param>
    /// <param name="count">How many are wanted.</param>
    /// <returns>The bytes of them, at most; 0: not even the first.</returns>
    public int BytesOf(uint block, int count)
    {
        var at = (long)block - _first;
        return at < 0 || count is < 1 or > PiecesMax || at + count >= _starts.Length
            ? 0
            : (int)Math.Min(_starts[at + count] - _starts[at], int.MaxValue / 2);
    }

    /// <summary>Reads pieces of successive blocks, one behind the other.</summary>
    /// <param name="chunk">Whose they are.</param>
    /// <param name="part">The part that this is.</param>
    /// <param name="block">The first.</param>
    /// <param name="lengths">Gets the length of each; as many are read.</param>
    /// <param name="destination">
    /// For <see cref="BytesOf"/> bytes, and <see cref="GapBytes"/> more for each and one. Gets the pieces; nothing of
    /// them is verified.
    /// </param>
    /// <returns>False: not all of it is as it should be; whoever asks the engine finds out why.</returns>
    /// <exception cref="DistFsException">The disk could not read them.</exception>
    /// <exception cref="ObjectDisposedException">The part was dropped.</exception>
    public unsafe bool TryRead(ChunkId chunk, ulong part, uint block, Span<int> lengths, Span<byte> destination)
    {
        var at = (int)(block - _first);
        var count = lengths.Length;
        Check.That(BytesOf(block, count) > 0);
        var parts = stackalloc ScatterPart[(2 * PiecesMax) + 1];
        fixed (byte* start = destination)
        {
            // The gaps go behind where the pieces end.
            var room = destination.Length - ((count + 1) * GapBytes);
            var (used, total) = (0, 0L);
            for (var i = 0; i < count; i++)
            {
                var size = (int)(_starts[at + i + 1] - _starts[at + i]);
                lengths[i] = LengthOf(size);
                var head = size - lengths[i] - RestartBytes - TrailerBytes;
                if (lengths[i] < PieceHeader.Bytes || used + lengths[i] > room)
                {
                    return false;
                }

                var gap = head + (i > 0 ? RestartBytes + TrailerBytes : 0);
                parts[2 * i] = new ScatterPart((nint)(start + room + (i * GapBytes)), gap);
                parts[(2 * i) + 1] = new ScatterPart((nint)(start + used), lengths[i]);
                used += lengths[i];
                total += gap + lengths[i];
            }

            return Posix.ReadScattered(_file, new ReadOnlySpan<ScatterPart>(parts, 2 * count), _starts[at]) == total
                && AreOf(chunk, part, block, lengths, destination[room..]);
        }
    }

    /// <summary>What stands before each piece says that it is the value of the right key, and how long it is.</summary>
    private static bool AreOf(ChunkId chunk, ulong part, uint block, ReadOnlySpan<int> lengths, ReadOnlySpan<byte> gaps)
    {
        Span<byte> wanted = stackalloc byte[StoreKeys.BlockBytes];
        for (var i = 0; i < lengths.Length; i++)
        {
            var head = gaps.Slice((i * GapBytes) + (i > 0 ? RestartBytes + TrailerBytes : 0));
            StoreKeys.Block(wanted, chunk, part, block + (uint)i);
            if (!KeyOf(head, out var length).SequenceEqual(wanted) || length != lengths[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The key of the first entry of a data block; empty when it is none of a block's.</summary>
    private static ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> head, out int length)
    {
        length = 0;
        if (head[0] != 0 || head[1] != KeyBytes)
        {
            return default;
        }

        var rest = head[2..];
        if (!TryTake(ref rest, out var value) || value > int.MaxValue || rest.Length < KeyBytes
            || rest[StoreKeys.BlockBytes] != KindValue)
        {
            return default;
        }

        length = (int)value;
        return rest[..StoreKeys.BlockBytes];
    }

    /// <summary>The length of the one value of a data block, from that of the block with its trailer.</summary>
    private static int LengthOf(int size)
    {
        // The length's own bytes depend on it.
        var rest = size - 2 - KeyBytes - RestartBytes - TrailerBytes;
        for (var own = 1; own <= 3; own++)
        {
            var length = rest - own;
            if (length > 0 && length < 1 << (7 * own))
            {
                return length;
            }
        }

        return 0;
    }

    /// <summary>The offsets in an index; null when its data blocks do not lie one behind the other.</summary>
    private static uint[]? StartsOf(ReadOnlySpan<byte> index)
    {
        if (index.Length < sizeof(uint))
        {
            return null;
        }

        var count = BinaryPrimitives.ReadUInt32LittleEndian(index[^4..]);
        if (count is 0 or > ChunkLayout.BlocksMax + 1 || index.Length < sizeof(uint) * (count + 1))
        {
            return null;
        }

        // Each entry is a restart point: nothing of its key is shared, and its handle stands there as a whole.
        var entries = index[..^(int)(sizeof(uint) * (count + 1))];
        var starts = new uint[count + 1];
        for (var i = 0u; i < count; i++)
        {
            if (!TryTake(ref entries, out var shared) || shared != 0 || !TryTake(ref entries, out var key)
                || key > (ulong)entries.Length)
            {
                return null;
            }

            entries = entries[(int)key..];
            if (!TryTakeHandle(ref entries, out var offset, out var length)
                || offset > uint.MaxValue / 2 || length > uint.MaxValue / 4 || (i > 0 && offset != starts[i]))
            {
                return null;
            }

            (starts[i], starts[i + 1]) = ((uint)offset, (uint)(offset + length + TrailerBytes));
        }

        return entries.IsEmpty ? starts : null;
    }

    private static bool TryTakeHandle(ref ReadOnlySpan<byte> bytes, out ulong offset, out ulong length)
    {
        length = 0;
        return TryTake(ref bytes, out offset) && TryTake(ref bytes, out length);
    }

    /// <summary>A number in groups of 7 bits, the lowest first.</summary>
    private static bool TryTake(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < bytes.Length && i < 9; i++)
        {
            value |= (ulong)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }

        return false;
    }
}
