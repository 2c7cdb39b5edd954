using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistFS.Primitives;

/// <summary>
/// CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4), the checksum of every block, log
/// record and frame. Uses the instructions of SSE4.2 or Arm v8 where present, tables otherwise.
/// </summary>
/// <remarks>
/// With instructions, three lanes run at once, since an instruction has a latency of three cycles and a throughput of
/// one; their results are joined by tables that advance a checksum over a fixed number of zero bytes (the method of
/// Mark Adler's crc32c.c). Measured by <c>scripts/bench native</c>.
/// </remarks>
public static class Crc32C
{
    // Bytes per lane. The long stride amortises the joins of a 64 KiB block, the short one serves what remains.
    private const int LongStride = 4096;
    private const int ShortStride = 256;

    // So many long strides are joined one by one.
    private const int StridesMax = 16;

    private static readonly uint[] LongShift = Crc32CTables.ZerosOperator(LongStride);
    private static readonly uint[] ShortShift = Crc32CTables.ZerosOperator(ShortStride);

    /// <summary>How checksums are computed on this machine: "sse4.2", "armv8" or "software".</summary>
    public static string Implementation =>
        Sse42Step.IsSupported ? "sse4.2" : ArmStep.IsSupported ? "armv8" : "software";

    /// <summary>The checksum of <paramref name="data"/>; "123456789" gives 0xE3069283.</summary>
    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>The checksum of what gave <paramref name="crc"/> followed by <paramref name="data"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        if (Sse42Step.IsSupported)
        {
            return ~Run<Sse42Step>(~crc, data);
        }

        return ArmStep.IsSupported ? ~Run<ArmStep>(~crc, data) : ~AppendSoftware(~crc, data);
    }

    /// <summary>
    /// As <see cref="Append"/>, and copies the data: in stripes that stay in the processor's first cache between the
    /// two, so that memory is read once.
    /// </summary>
    /// <param name="crc">The checksum of what is before it.</param>
    /// <param name="data">The data.</param>
    /// <param name="destination">At least as long; does not overlap it.</param>
    public static uint AppendAndCopy(uint crc, ReadOnlySpan<byte> data, Span<byte> destination)
    {
        while (!data.IsEmpty)
        {
            var stripe = data[..Math.Min(data.Length, 3 * LongStride)];
            crc = Append(crc, stripe);
            stripe.CopyTo(destination);
            data = data[stripe.Length..];
            destination = destination[stripe.Length..];
        }

        return crc;
    }

    /// <summary>
    /// The checksum of two joined pieces, from their own checksums and the length of the second, in time
    /// logarithmic in that length.
    /// </summary>
    public static uint Combine(uint first, uint second, long secondLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(secondLength);
        if (secondLength > StridesMax * LongStride || secondLength % LongStride != 0)
        {
            return Crc32CTables.Advance(first, secondLength) ^ second;
        }

        // A block, or some pages of one: a few looks into a table, where the powers take half a microsecond.
        for (; secondLength > 0; secondLength -= LongStride)
        {
            first = Crc32CTables.Apply(LongShift, first);
        }

        return first ^ second;
    }

    /// <summary>The same function without instructions, for machines that lack them and for tests.</summary>
    internal static uint ComputeSoftware(ReadOnlySpan<byte> data) => ~AppendSoftware(~0u, data);

    // Compiled once, fully: profile-guided recompilation was seen to serialise the three lanes (8 GB/s for 16).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint Run<TStep>(uint crc, ReadOnlySpan<byte> data)
        where TStep : struct, ICrcStep
    {
        crc = RunLanes<TStep>(crc, ref data, LongStride, LongShift);
        crc = RunLanes<TStep>(crc, ref data, ShortStride, ShortShift);
        while (data.Length >= sizeof(ulong))
        {
            crc = TStep.Step(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }

        foreach (var value in data)
        {
            crc = TStep.Step(crc, value);
        }

        return crc;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint RunLanes<TStep>(uint crc, ref ReadOnlySpan<byte> data, int stride, uint[] shift)
        where TStep : struct, ICrcStep
    {
        while (data.Length >= 3 * stride)
        {
            ref var start = ref MemoryMarshal.GetReference(data);
            uint lane0 = crc, lane1 = 0, lane2 = 0;
            for (nint i = 0; i < stride; i += sizeof(ulong))
            {
                lane0 = TStep.Step(lane0, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, i)));
                lane1 = TStep.Step(lane1, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, i + stride)));
                lane2 = TStep.Step(lane2, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, i + (2 * stride))));
            }

            crc = Crc32CTables.Apply(shift, lane0) ^ lane1;
            crc = Crc32CTables.Apply(shift, crc) ^ lane2;
            data = data[(3 * stride)..];
        }

        return crc;
    }

    private static uint AppendSoftware(uint crc, ReadOnlySpan<byte> data)
    {
        var table = Crc32CTables.Slicing;
        while (data.Length >= sizeof(ulong))
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(data) ^ crc;
            crc = table[(7 * 256) + (byte)word]
                ^ table[(6 * 256) + (byte)(word >> 8)]
                ^ table[(5 * 256) + (byte)(word >> 16)]
                ^ table[(4 * 256) + (byte)(word >> 24)]
                ^ table[(3 * 256) + (byte)(word >> 32)]
                ^ table[(2 * 256) + (byte)(word >> 40)]
                ^ table[256 + (byte)(word >> 48)]
                ^ table[(byte)(word >> 56)];
            data = data[sizeof(ulong)..];
        }

        foreach (var value in data)
        {
            crc = table[(byte)(crc ^ value)] ^ (crc >> 8);
        }

        return crc;
    }

    private interface ICrcStep
    {
        static abstract uint Step(uint crc, ulong data);

        static abstract uint Step(uint crc, byte data);
    }

    private readonly struct Sse42Step : ICrcStep
    {
        public static bool IsSupported => System.Runtime.Intrinsics.X86.Sse42.X64.IsSupported;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint Step(uint crc, ulong data) => (uint)System.Runtime.Intrinsics.X86.Sse42.X64.Crc32(crc, data);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint Step(uint crc, byte data) => System.Runtime.Intrinsics.X86.Sse42.Crc32(crc, data);
    }

    private readonly struct ArmStep : ICrcStep
    {
        public static bool IsSupported => System.Runtime.Intrinsics.Arm.Crc32.Arm64.IsSupported;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint Step(uint crc, ulong data) =>
            System.Runtime.Intrinsics.Arm.Crc32.Arm64.ComputeCrc32C(crc, data);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint Step(uint crc, byte data) => System.Runtime.Intrinsics.Arm.Crc32.ComputeCrc32C(crc, data);
    }
}
