using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <summary>
/// The bytes on disk, as docs/design/log.md gives them: they never change within a version. The expected ones were
/// computed from that document by another program, with a CRC-32C of its own.
/// </summary>
public sealed class FormatTests
{
    private static readonly StoreId Store = new(0x1122334455667788);

    [Fact]
    public void ARecordOfTheLog()
    {
        var entry = new RaftEntry { Id = Stores.Id(3, 258), Kind = EntryKind.NoOp, Data = "abc"u8.ToArray() };
        var bytes = new byte[LogRecordCodec.HeaderBytes];
        LogRecordCodec.WriteHeader(
            bytes, entry, previousCrc: 0xA1A2A3A4, Stores.Id(2, 257), LogRecordCodec.Salt(Store, epoch: 1));
        AssertHex(
            "03000000c38307a0a4a3a2a1010000000201000000000000"
            + "030000000000000001010000000000000200000000000000",
            bytes);
        Assert.Equal(56, LogRecordCodec.SizeBytes(3));
    }

    [Fact]
    public void TheHeadOfAFileOfTheLog()
    {
        var bytes = new byte[SegmentHeader.AreaBytes];
        new SegmentHeader(Store, 1, new LogIndex(258), 0xA1A2A3A4).Write(bytes);
        AssertHex(
            "44534c470100000088776655443322110100000000000000"
            + "0201000000000000a4a3a2a1000000000000000071d50ccb",
            bytes.AsSpan(0, SegmentHeader.SizeBytes));
        Assert.Equal(bytes.AsSpan(0, 256), bytes.AsSpan(256));
        Assert.True(bytes.AsSpan(SegmentHeader.SizeBytes, 256 - SegmentHeader.SizeBytes).IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal("log-00000000000000000258.seg", Segment.NameOf(new LogIndex(258)));
    }

    [Fact]
    public void TheHardState()
    {
        var bytes = new byte[HardStateRecord.SizeBytes];
        new HardStateRecord(5, Stores.Hard(3, 2, 257), Stores.Id(2, 258), new LogIndex(6), new LogIndex(1))
            .Write(bytes, Store);
        AssertHex(
            "445348530100000005000000000000000300000000000000"
            + "020000000000000001010000000000000200000000000000"
            + "020100000000000006000000000000000100000000000000"
            + "887766554433221100000000f9c0f399",
            bytes);
    }

    [Fact]
    public void TheIdentityAndItsFile()
    {
        var file = CheckedFile.Encode(0x44495344, Stores.Identity.Encode());
        Assert.Equal(8192, file.Length);
        AssertHex(
            "445349440100000020000000070000000000000000000000"
            + "0000000002000000000000008877665544332211fca57a81",
            file.AsSpan(0, 48));
        Assert.Equal(file.AsSpan(0, 4096), file.AsSpan(4096));
    }

    [Fact]
    public void ASnapshotsTrailer()
    {
        var meta = new SnapshotMeta
        {
            Id = 0x0102030405060708,
            Last = Stores.Id(3, 258),
            Configuration = RaftConfiguration.Empty,
            SizeBytes = 5,
            Checksum = 0xB1B2B3B4,
        };
        var configuration = RaftCodec.Encode(RaftConfiguration.Empty).Length;
        var bytes = SnapshotTrailer.Encode(meta, [0xC1C2C3C4]);
        var copy = 48 + configuration + 4 + 4;
        Assert.Equal((2 * copy) + (2 * 4096) + 8, bytes.Length);
        AssertHex(
            "5344534e0200000008070605040302010300000000000000"
            + "02010000000000000500000000000000b4b3b2b1",
            bytes.AsSpan(0, 44));
        Assert.Equal(bytes.AsSpan(0, copy), bytes.AsSpan(copy + 4096, copy));
        var footer = $"{copy:x2}0000005344534e";
        AssertHex(footer, bytes.AsSpan(^8..));
        AssertHex(footer, bytes.AsSpan(bytes.Length - 4096 - 8, 8));
        Assert.Equal("snap-00000000000000000258-0102030405060708.snap", SnapshotFile.NameOf(meta));
    }

    private static void AssertHex(string expected, ReadOnlySpan<byte> bytes) =>
        Assert.Equal(expected, Convert.ToHexStringLower(bytes));
}
