using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistFS.Native;

/// <content>The encoder.</content>
internal sealed unsafe partial class ManagedLz4
{
    private const int AccelerationMax = 65_537;

    // After 2^6 probes without a match the step grows by one: data that does not compress is crossed quickly.
    private const int SkipTrigger = 6;

    /// <summary>The table of earlier positions, by the hash of the bytes that stand there.</summary>
    private interface IPositions
    {
        /// <summary>False where the source is so short that no distance can be too large.</summary>
        static abstract bool ChecksDistance { get; }

        static abstract uint Hash(byte* at);

        static abstract uint Get(void* table, uint hash);

        static abstract void Put(void* table, uint hash, nint position);
    }

    [SkipLocalsInit]
    private static int CompressNarrow(byte* source, int length, byte* destination, int capacity, int acceleration)
    {
        var table = stackalloc ushort[Narrow.Entries];
        NativeMemory.Clear(table, Narrow.Entries * sizeof(ushort));
        return Encode<Narrow>(source, length, destination, capacity, acceleration, table);
    }

    [SkipLocalsInit]
    private static int CompressWide(byte* source, int length, byte* destination, int capacity, int acceleration)
    {
        var table = stackalloc uint[Wide.Entries];
        NativeMemory.Clear(table, Wide.Entries * sizeof(uint));
        return Encode<Wide>(source, length, destination, capacity, acceleration, table);
    }

    /// <summary>Longer than the rule of the house: the parts of this loop share all of its pointers.</summary>
    private static int Encode<TPositions>(
        byte* source, int length, byte* destination, int capacity, int acceleration, void* table)
        where TPositions : struct, IPositions
    {
        var ip = source;
        var op = destination;
        var anchor = source; // The first byte that no sequence holds yet.
        var end = source + length;
        var limit = destination + capacity;
        if (length <= MatchFromEndMin)
        {
            return EncodeLast(anchor, end, op, limit, destination);
        }

        var searchEnd = end - MatchFromEndMin + 1;
        var matchEnd = end - LastLiterals;
        TPositions.Put(table, TPositions.Hash(ip), 0);
        var forwardHash = TPositions.Hash(++ip);
        while (true)
        {
            byte* match;
            var forward = ip;
            var probes = acceleration << SkipTrigger;
            var step = 1;
            do
            {
                var hash = forwardHash;
                ip = forward;
                forward += step;
                step = probes++ >> SkipTrigger;
                if (forward > searchEnd)
                {
                    return EncodeLast(anchor, end, op, limit, destination);
                }

                match = source + TPositions.Get(table, hash);
                forwardHash = TPositions.Hash(forward);
                TPositions.Put(table, hash, (nint)(ip - source));
            }
            while (!IsMatch<TPositions>(ip, match));

            for (; ip > anchor && match > source && ip[-1] == match[-1]; ip--, match--)
            {
                // The match began earlier than the position that was probed.
            }

            var token = op++;
            if ((op = EncodeLiterals(anchor, ip, token, op, limit)) is null)
            {
                return 0;
            }

            do
            {
                var more = Count(ip + MatchBytesMin, match + MatchBytesMin, matchEnd);
                if ((op = EncodeMatch(ip - match, more, token, op, limit)) is null)
                {
                    return 0;
                }

                ip += MatchBytesMin + more;
                anchor = ip;
                if (ip >= searchEnd)
                {
                    return EncodeLast(anchor, end, op, limit, destination);
                }

                // Often the next match follows at once: then its sequence has no literals.
                TPositions.Put(table, TPositions.Hash(ip - 2), (nint)(ip - 2 - source));
                var hash = TPositions.Hash(ip);
                match = source + TPositions.Get(table, hash);
                TPositions.Put(table, hash, (nint)(ip - source));
                token = op;
            }
            while (IsMatch<TPositions>(ip, match) && StartSequence(ref op));

            forwardHash = TPositions.Hash(++ip);
        }
    }

    /// <summary>Room for the token was checked with the match before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool StartSequence(ref byte* op)
    {
        *op++ = 0;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsMatch<TPositions>(byte* ip, byte* match)
        where TPositions : struct, IPositions =>
        (!TPositions.ChecksDistance || ip - match <= DistanceMax)
        && Unsafe.ReadUnaligned<uint>(match) == Unsafe.ReadUnaligned<uint>(ip);

    /// <summary>
    /// Writes the literals before a match; null when they, and the least that must follow, do not fit.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* EncodeLiterals(byte* anchor, byte* ip, byte* token, byte* op, byte* limit)
    {
        var count = (nint)(ip - anchor);
        // Still to come: an offset (2), a token (1) and the last literals, so copying in words of 8 stays inside. It
        // stays inside the source as well, since a match starts at least 12 bytes before its end.
        if (limit - op < count + (2 + 1 + LastLiterals) + (count / 255))
        {
            return null;
        }

        if (count >= NibbleMax)
        {
            *token = NibbleMax << 4;
            op = EncodeLength(op, count - NibbleMax);
        }
        else
        {
            *token = (byte)(count << 4);
        }

        var stop = op + count;
        do
        {
            Copy8(op, anchor);
            op += 8;
            anchor += 8;
        }
        while (op < stop);

        return stop;
    }

    /// <summary>
    /// Writes offset and length of a match; null when they, and the least that must follow, do not fit.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* EncodeMatch(long offset, nint more, byte* token, byte* op, byte* limit)
    {
        op[0] = (byte)offset;
        op[1] = (byte)(offset >> 8);
        op += 2;
        if (limit - op < 1 + LastLiterals + ((more + 240) / 255))
        {
            return null;
        }

        if (more < NibbleMax)
        {
            *token += (byte)more;
            return op;
        }

        *token += NibbleMax;
        return EncodeLength(op, more - NibbleMax);
    }

    /// <summary>Writes what a nibble could not hold: bytes of 255, then one that is less.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* EncodeLength(byte* op, nint rest)
    {
        for (; rest >= 255; rest -= 255)
        {
            *op++ = 255;
        }

        *op++ = (byte)rest;
        return op;
    }

    /// <summary>Writes the last sequence, which has literals only. Returns the length of the block, or 0.</summary>
    private static int EncodeLast(byte* anchor, byte* end, byte* op, byte* limit, byte* destination)
    {
        var count = (nint)(end - anchor);
        if (limit - op < count + 1 + ((count + 255 - NibbleMax) / 255))
        {
            return 0;
        }

        if (count >= NibbleMax)
        {
            *op++ = NibbleMax << 4;
            op = EncodeLength(op, count - NibbleMax);
        }
        else
        {
            *op++ = (byte)(count << 4);
        }

        Buffer.MemoryCopy(anchor, op, limit - op, count);
        return (int)(op + count - destination);
    }

    /// <summary>How many bytes are equal from both places on, up to <paramref name="end"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Count(byte* ip, byte* match, byte* end)
    {
        var start = ip;
        while (end - ip >= sizeof(ulong))
        {
            var difference = Unsafe.ReadUnaligned<ulong>(ip) ^ Unsafe.ReadUnaligned<ulong>(match);
            if (difference != 0)
            {
                var zeros = BitConverter.IsLittleEndian
                    ? BitOperations.TrailingZeroCount(difference)
                    : BitOperations.LeadingZeroCount(difference);
                return (nint)(ip - start) + (zeros >> 3);
            }

            ip += sizeof(ulong);
            match += sizeof(ulong);
        }

        while (ip < end && *ip == *match)
        {
            ip++;
            match++;
        }

        return (nint)(ip - start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy8(byte* to, byte* from) =>
        Unsafe.WriteUnaligned(to, Unsafe.ReadUnaligned<ulong>(from));

    /// <summary>Sources up to 64 KiB and a little: positions of 16 bits, so that more of them fit the table.</summary>
    private readonly struct Narrow : IPositions
    {
        public const int Entries = 1 << Bits;

        /// <summary>The last position that is entered is 12 before the end, and it must fit 16 bits.</summary>
        public const int SourceBytesMax = ushort.MaxValue + MatchFromEndMin;

        private const int Bits = 13;

        public static bool ChecksDistance => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint Hash(byte* at) => (Unsafe.ReadUnaligned<uint>(at) * 2_654_435_761u) >> (32 - Bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint Get(void* table, uint hash) => ((ushort*)table)[hash];

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Put(void* table, uint hash, nint position) => ((ushort*)table)[hash] = (ushort)position;
    }

    /// <summary>
    /// Longer sources: positions of 32 bits, by five bytes each, which spread better over fewer entries.
    /// </summary>
    private readonly struct Wide : IPositions
    {
        public const int Entries = 1 << Bits;

        private const int Bits = 12;

        public static bool ChecksDistance => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint Hash(byte* at) =>
            (uint)(((Unsafe.ReadUnaligned<ulong>(at) << 24) * 889_523_592_379ul) >> (64 - Bits));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint Get(void* table, uint hash) => ((uint*)table)[hash];

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Put(void* table, uint hash, nint position) => ((uint*)table)[hash] = (uint)position;
    }
}
