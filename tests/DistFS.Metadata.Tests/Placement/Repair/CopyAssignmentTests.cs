using DistFS.Metadata.Placement.Repair;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Placement.Repair;

public sealed class CopyAssignmentTests
{
    private static readonly CopyAssignment Row = new(
        new CopyId(0x0102), new ChunkId(0x0304), new ChunkVersion(5), new ServerId(6), new ServerId(7),
        new ServerId(8), 0x0900, -2);

    [Fact]
    public void Golden_bytes()
    {
        var bytes = new byte[CopyAssignment.RowBytes];
        Row.Write(bytes);
        Assert.Equal(
            "01" + "0201000000000000" + "0403000000000000" + "05000000" + "06000000" + "07000000" + "08000000"
            + "0009000000000000" + "feffffffffffffff",
            Convert.ToHexStringLower(bytes));
        Assert.Equal(Row, CopyAssignment.Read(bytes));
    }

    [Fact]
    public void What_this_version_did_not_write_is_refused()
    {
        var bytes = new byte[CopyAssignment.RowBytes];
        Row.Write(bytes);
        Assert.Throws<RowFormatException>(() => CopyAssignment.Read(bytes.AsSpan(1)));
        Assert.All(
            [
                Row with { Copy = default },
                Row with { Chunk = default },
                Row with { SizeBytes = -1 },
                Row with { Target = Row.Source },
            ],
            row =>
            {
                row.Write(bytes);
                Assert.Throws<RowFormatException>(() => CopyAssignment.Read(bytes));
            });
        Row.Write(bytes);
        bytes[0] = 2;
        Assert.Throws<RowFormatException>(() => CopyAssignment.Read(bytes));
    }
}
