using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>The bytes of frames: they are the contract with every other version, and never change.</summary>
public sealed class FrameHeaderTests
{
    private static readonly FrameLimits Limits = new(4 << 20, 4 << 20);

    [Fact]
    public void Golden_bytes_of_a_header()
    {
        var header = new FrameHeader(
            FrameKind.Request, 0x102, 0x30000, 0xfd01, 0x1388, 0x1122334455667788, new(0xA1A2, 0xB1B2));
        var bytes = new byte[FrameHeader.Size];
        header.Write(bytes);
        Assert.Equal(
            "02010300" + "02010000" + "00000000" + "02" + "00" + "01" + "00" + "01FD0000" + "88130000"
            + "8877665544332211" + "A2A1000000000000" + "B2B1000000000000",
            Convert.ToHexString(bytes));
        Assert.Equal(48 + 0x102 + 0x30000, header.FrameLength);
    }

    /// <summary>The checksums were computed by another implementation.</summary>
    [Fact]
    public void Golden_bytes_of_whole_frames()
    {
        Assert.Equal(
            "1F0000001F000000F81B48E8010001000000000000000000000000000000000000000000000000000000000000000000"
            + "080110011880808002208080800228800830808080103A0372617750808040",
            Convert.ToHexString(FrameBytes.HelloFrame()));
        Assert.Equal(
            "0A000000030000009B5840F90200010001FD000028230000050000000000000000000000000000000000000000000000"
            + "08AC027061796C6F6164",
            Convert.ToHexString(FrameBytes.Request(
                ConformanceMethods.Echo, new EchoRequest { Value = 300 }, 5, "payload"u8)));
    }

    [Fact]
    public void What_is_written_is_read() => Prop.ForAll((ulong seed) =>
    {
        var random = new Prng(seed);
        var kind = (FrameKind)random.NextInt32(1, 11);
        var plain = kind is FrameKind.Cancel or FrameKind.Credit or FrameKind.Ping or FrameKind.Pong;
        var carries = kind is FrameKind.Request or FrameKind.Reply;
        var header = new FrameHeader(
            kind,
            plain ? 0 : random.NextInt32((4 << 20) + 1),
            carries ? random.NextInt32((4 << 20) + 1) : 0,
            (uint)random.NextUInt64(),
            (uint)random.NextUInt64(),
            random.NextUInt64(),
            new TraceId(random.NextUInt64(), random.NextUInt64()));
        var bytes = new byte[FrameHeader.Size];
        header.Write(bytes);
        return FrameHeader.TryRead(bytes, Limits, out var read) == null && read == header;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_wrong_field_is_refused()
    {
        var sound = FrameBytes.Frame(FrameKind.Request, new EchoRequest { Value = 5 }, new byte[10], 1, 2, 3);
        Assert.Null(Fault(sound, _ => { }));
        for (var value = 0; value < 256; value++)
        {
            var wrong = (byte)value;
            Assert.Equal(
                value is < 1 or > 10, Fault(FrameBytes.Frame(FrameKind.Hello), frame => frame[12] = wrong) != null);
            Assert.Equal(value != 0, Fault(sound, frame => frame[13] = wrong) != null);
            Assert.Equal(value != 1, Fault(sound, frame => frame[14] = wrong) != null);
            Assert.Equal(value != 0, Fault(sound, frame => frame[15] = wrong) != null);
        }
    }

    [Theory]
    [InlineData(4U << 20, 4U << 20, true)]
    [InlineData(8U << 20, 4U << 20, true)]
    [InlineData((4U << 20) + 1, (4U << 20) + 1, false)]
    [InlineData((8U << 20) + 1, 4U << 20, false)]
    [InlineData((4U << 20) + 1, 0U, false)]
    [InlineData(9U, 10U, false)]
    [InlineData(0U, uint.MaxValue, false)]
    [InlineData(uint.MaxValue, uint.MaxValue, false)]
    [InlineData(uint.MaxValue, 0U, false)]
    [InlineData(0x80000000U, 0U, false)]
    public void Lengths_are_checked_before_anything_is_allocated(uint length, uint bodyLength, bool sound)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(sound, FrameHeader.TryRead(
            FrameBytes.Header(FrameKind.Request, length, bodyLength), Limits, out _) == null);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Fact]
    public void Every_flipped_bit_of_a_frame_without_payload_is_noticed()
    {
        var frame = FrameBytes.Frame(FrameKind.Request, new EchoRequest { Value = 300 }, default, 0xfd01, 9000, 5);
        Assert.True(FrameHeader.IsIntact(frame));
        for (var bit = 0; bit < frame.Length * 8; bit++)
        {
            frame[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(FrameHeader.IsIntact(frame), $"bit {bit}");
            frame[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void The_checksum_covers_header_and_body_with_its_own_field_zero()
    {
        var frame = FrameBytes.HelloFrame();
        var crc = BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(8));
        frame.AsSpan(8, 4).Clear();
        Assert.Equal(crc, Crc32C.Compute(frame));
    }

    private static string? Fault(byte[] frame, Action<byte[]> change)
    {
        var copy = (byte[])frame.Clone();
        change(copy);
        return FrameHeader.TryRead(copy, Limits, out _);
    }
}
