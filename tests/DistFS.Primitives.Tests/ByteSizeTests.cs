using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace DistFS.Primitives.Tests;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("4096B", 4096)]
    [InlineData("64KiB", 65536)]
    [InlineData("64 KiB", 65536)]
    [InlineData("  64kib  ", 65536)]
    [InlineData("64k", 65536)]
    [InlineData("10M", 10L << 20)]
    [InlineData("10Mi", 10L << 20)]
    [InlineData("10MB", 10_000_000)]
    [InlineData("10Mb", 10_000_000)]
    [InlineData("1.5 GiB", 3L << 29)]
    [InlineData("1.5GB", 1_500_000_000)]
    [InlineData("0.1K", 102)]
    [InlineData(".5K", 512)]
    [InlineData("1T", 1L << 40)]
    [InlineData("1P", 1L << 50)]
    [InlineData("7E", 7L << 60)]
    [InlineData("9.2EB", 9_200_000_000_000_000_000)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Reads(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text).Bytes);

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("K")]
    [InlineData("-1")]
    [InlineData("-1K")]
    [InlineData("+1")]
    [InlineData("1,5G")]
    [InlineData("1.2.3K")]
    [InlineData(".")]
    [InlineData("1e3")]
    [InlineData("0x10")]
    [InlineData("1KK")]
    [InlineData("1KiBs")]
    [InlineData("1Z")]
    [InlineData("1 K i B")]
    [InlineData("8E")]
    [InlineData("9.3EB")]
    [InlineData("9223372036854775808")]
    [InlineData("9223372036854775807K")]
    [InlineData("99999999999999999999999999999999999999E")]
    [InlineData("NaN")]
    [InlineData("1K\0")]
    [InlineData("١")]
    public void Refuses(string text)
    {
        Assert.False(ByteSize.TryParse(text, null, out var size));
        Assert.Equal(default, size);
        Assert.Throws<FormatException>(() => ByteSize.Parse(text));
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(65536, "64 KiB")]
    [InlineData((1 << 20) - 1, "1 MiB")]
    [InlineData(3L << 29, "1.5 GiB")]
    [InlineData(1L << 60, "1 EiB")]
    [InlineData(long.MaxValue, "8 EiB")]
    [InlineData(-1536, "-1.5 KiB")]
    public void Prints(long bytes, string text) => Assert.Equal(text, new ByteSize(bytes).ToString());

    [Fact]
    public void Asks_no_culture()
    {
        var before = CultureInfo.CurrentCulture;
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        try
        {
            CultureInfo.CurrentCulture = comma;
            Assert.Equal("1.5 KiB", new ByteSize(1536).ToString());
            Assert.Equal(1536, ByteSize.Parse("1.5K", comma).Bytes);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Bytes_are_read_as_they_are_written() => Prop.ForAll(
        (long bytes) => bytes < 0 || ByteSize.Parse(bytes.ToString(CultureInfo.InvariantCulture)).Bytes == bytes)
        .QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_printed_reads_as_nearly_the_same()
    {
        var random = new Prng(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = (long)(random.NextUInt64() >> random.NextInt32(1, 64));
            var text = new ByteSize(bytes).ToString();
            if (text == "8 EiB")
            {
                // 2^63 itself is no size: what rounds up to it cannot be read again.
                continue;
            }

            var read = ByteSize.Parse(text).Bytes;
            Assert.True(
                Math.Abs((double)read - bytes) <= Math.Max(0, bytes * 0.06), $"{bytes}: {text} reads as {read}");
            Assert.Equal(text, new ByteSize(read).ToString());
        }
    }

    [Fact]
    public void Units_do_not_overflow_in_silence()
    {
        Assert.Equal(64 << 10, ByteSize.KiB(64).Bytes);
        Assert.Equal(5L << 20, ByteSize.MiB(5).Bytes);
        Assert.Equal(5L << 30, ByteSize.GiB(5).Bytes);
        Assert.Throws<OverflowException>(() => ByteSize.KiB(1L << 54));
        Assert.Throws<OverflowException>(() => ByteSize.MiB(1L << 44));
        Assert.Throws<OverflowException>(() => ByteSize.GiB(1L << 34));
    }

    [Fact]
    public void Sizes_are_ordered()
    {
        ByteSize small = new(1), large = new(2);
        Assert.True(small < large && large > small && small <= large && large >= small);
        Assert.True(small.CompareTo(large) < 0);
    }
}
