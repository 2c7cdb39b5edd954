using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Metadata.Trash;

namespace DistFS.Metadata.Tests.Rows;

/// <summary>The bytes of the rows of the trash, and of what a session has.</summary>
public sealed class GoldenTrashRowsTests
{
    [Fact]
    public void Something_in_the_trash()
    {
        var row = new TrashRow(0x0102, new FileTime(-1, 3), 4, "ab"u8.ToArray());
        var bytes = row.Write();
        Assert.Equal(
            "01000000" + "04000000" + "0201000000000000" + "ffffffffffffffff" + "03000000" + "6162",
            Convert.ToHexStringLower(bytes));
        var read = TrashRow.Read(bytes);
        Assert.Equal((row.Purge, row.Removed, row.RemovedBy), (read.Purge, read.Removed, read.RemovedBy));
        Assert.Equal("ab"u8.ToArray(), read.Name.ToArray());
        Assert.Throws<RowFormatException>(() => TrashRow.Read(bytes.AsSpan(0, 28)));
        bytes[27] = 0xFF;
        Assert.Throws<RowFormatException>(() => TrashRow.Read(bytes));
        bytes[27] = 0;
        bytes[0] = 2;
        Assert.Throws<RowFormatException>(() => TrashRow.Read(bytes));
    }

    [Fact]
    public void How_long_things_are_kept()
    {
        var bytes = new byte[RetentionRow.SizeBytes];
        new RetentionRow(0x0102).Write(bytes);
        Assert.Equal("0100000000000000" + "0201000000000000", Convert.ToHexStringLower(bytes));
        Assert.Equal(new RetentionRow(0x0102), RetentionRow.Read(bytes));
        bytes[0] = 2;
        Assert.Throws<RowFormatException>(() => RetentionRow.Read(bytes));
    }

    [Fact]
    public void What_a_session_has()
    {
        var bytes = new byte[SessionUseRow.SizeBytes];
        new SessionUseRow(1, 2).Write(bytes);
        Assert.Equal("01000000" + "01000000" + "02000000", Convert.ToHexStringLower(bytes));
        Assert.Equal(new SessionUseRow(1, 2), SessionUseRow.Read(bytes));
        Assert.Throws<RowFormatException>(() => SessionUseRow.Read(bytes.AsSpan(1)));
    }

    [Fact]
    public void Keys()
    {
        Assert.Equal(('T', 't', 'r', 'U'), ((char)RowTable.Trash, (char)RowTable.TrashEntry,
            (char)RowTable.Retention, (char)RowTable.SessionUse));
    }
}
