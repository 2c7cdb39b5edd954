using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistFS.Native;

/// <content>
/// The decoder. It accepts what LZ4_decompress_safe accepts, but for an offset of zero: the format forbids it, liblz4
/// decodes it to bytes of its choice, and here it is damage.
/// </content>
internal sealed unsafe partial class ManagedLz4
{
    private const int Corrupt = -1;

    // The short path reads 16 bytes of literals, of which at most 14 are used, and an offset; it writes 14 literals and
    // 18 bytes of match.
    private const int ShortInput = 14 + 2;
    private const int ShortOutput = 14 + 18;

    private static int Decode(byte* source, int length, byte* destination, int capacity)
    {
        var ip = source;
        var op = destination;
        var inputEnd = source + length;
        var outputEnd = destination + capacity;
        while (true)
        {
            // ip is inside the block: every sequence but the last was followed by at least one byte.
            nint token = *ip++;
            var literals = token >> 4;
            var more = token & NibbleMax;
            nint offset;
            if (literals != NibbleMax && inputEnd - ip > ShortInput && outputEnd - op >= ShortOutput)
            {
                Copy16(op, ip);
                op += literals;
                ip += literals;
                offset = ReadOffset(ip);
                ip += sizeof(ushort);
                if (more != NibbleMax && offset >= 8 && offset <= op - destination)
                {
                    var match = op - offset;
                    Copy8(op, match);
                    Copy8(op + 8, match + 8);
                    Unsafe.WriteUnaligned(op + 16, Unsafe.ReadUnaligned<ushort>(match + 16));
                    op += more + MatchBytesMin;
                    continue;
                }
            }
            else
            {
                if (literals == NibbleMax && !ReadLength(ref literals, ref ip, inputEnd - NibbleMax))
                {
                    return Corrupt;
                }

                // So near the end of either side only the last sequence can stand, which is all literals.
                if (outputEnd - op - literals < MatchFromEndMin || inputEnd - ip - literals < 2 + 1 + LastLiterals)
                {
                    return literals == inputEnd - ip && literals <= outputEnd - op
                        ? FinishLiterals(op, ip, literals, destination)
                        : Corrupt;
                }

                CopyLiterals(op, ip, literals, outputEnd, inputEnd);
                op += literals;
                ip += literals;
                offset = ReadOffset(ip);
                ip += sizeof(ushort);
            }

            if (more == NibbleMax && !ReadLength(ref more, ref ip, inputEnd - LastLiterals + 1))
            {
                return Corrupt;
            }

            more += MatchBytesMin;
            if (offset == 0 || offset > op - destination || outputEnd - op - more < LastLiterals)
            {
                return Corrupt;
            }

            CopyMatch(op, offset, more, outputEnd);
            op += more;
        }
    }

    /// <summary>
    /// Adds the bytes that continue a length. False when they run past <paramref name="limit"/>, which is where the
    /// least that must follow begins; at most 255 per byte of input, so the sum cannot overflow on 64 bits, and the
    /// check against 2^31 keeps it inside on 32.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReadLength(ref nint length, ref byte* ip, byte* limit)
    {
        nint value;
        do
        {
            if (ip >= limit)
            {
                return false;
            }

            value = *ip++;
            length += value;
        }
        while (value == 255 && length < int.MaxValue - 255);

        return value != 255;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint ReadOffset(byte* ip) => BitConverter.IsLittleEndian
        ? Unsafe.ReadUnaligned<ushort>(ip)
        : ip[0] | (ip[1] << 8);

    private static int FinishLiterals(byte* op, byte* ip, nint literals, byte* destination)
    {
        Unsafe.CopyBlockUnaligned(op, ip, (uint)literals);
        return (int)(op + literals - destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyLiterals(byte* op, byte* ip, nint literals, byte* outputEnd, byte* inputEnd)
    {
        if (outputEnd - op - literals < 16 || inputEnd - ip - literals < 16)
        {
            Unsafe.CopyBlockUnaligned(op, ip, (uint)literals);
            return;
        }

        var stop = op + literals;
        do
        {
            Copy16(op, ip);
            op += 16;
            ip += 16;
        }
        while (op < stop);
    }

    /// <summary>
    /// Copies a match, which may overlap what it produces: with an offset under the length its bytes repeat.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyMatch(byte* op, nint offset, nint length, byte* outputEnd)
    {
        var match = op - offset;
        if (offset >= 16 && outputEnd - op - length >= 16)
        {
            var stop = op + length;
            do
            {
                Copy16(op, match);
                op += 16;
                match += 16;
            }
            while (op < stop);
            return;
        }

        CopyCarefully(op, offset, length, outputEnd);
    }

    /// <summary>A match with a short period, or one that ends where there is no room for a vector.</summary>
    private static void CopyCarefully(byte* op, nint offset, nint length, byte* outputEnd)
    {
        var stop = op + length;
        if (outputEnd - op > 16)
        {
            var wideStop = outputEnd - stop < 16 ? outputEnd - 16 : stop;
            if (offset >= 16)
            {
                for (; op < wideStop; op += 16)
                {
                    Copy16(op, op - offset);
                }
            }
            else
            {
                // One vector of the repeated bytes, written at distances that are a multiple of the period.
                var indices = Vector128.Create(RepeatIndices.Slice((int)offset * 16, 16));
                var pattern = Vector128.Shuffle(Vector128.Load(op - offset), indices);
                for (var step = 16 - (16 % offset); op < wideStop; op += step)
                {
                    pattern.Store(op);
                }
            }
        }

        for (; op < stop; op++)
        {
            *op = *(op - offset);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy16(byte* to, byte* from) => Vector128.Load(from).Store(to);
}
