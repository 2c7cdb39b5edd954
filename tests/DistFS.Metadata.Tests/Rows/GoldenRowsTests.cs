using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;

namespace DistFS.Metadata.Tests.Rows;

/// <summary>The bytes of rows and keys: what is on disk must be readable by every later version.</summary>
public sealed class GoldenRowsTests
{
    private static readonly InodeRow Row = new()
    {
        Kind = InodeKind.Directory,
        Mode = 0x3FF,
        Uid = 0x01020304,
        Gid = 5,
        Links = 6,
        Size = 7,
        Allocated = 8,
        Device = 9,
        Entries = 10,
        Parent = new InodeId(11),
        Domain = new InodeId(12),
        AccessTime = new FileTime(-1, 13),
        ModifyTime = new FileTime(14, 15),
        ChangeTime = new FileTime(16, 17),
        BirthTime = new FileTime(18, 19),
        Opens = 20,
        XattrNamesBytes = 21,
        Flags = InodeFlags.AccessAcl | InodeFlags.DefaultAcl | InodeFlags.Trashed | InodeFlags.Retention,
    };

    [Fact]
    public void The_cluster()
    {
        var store = new MemoryStore();
        var changes = new Changes(store);
        Assert.Null(ClusterRow.Find(changes));
        var row = new ClusterRow(new ClusterId(new UInt128(1, 2)), new UInt128(3, 4));
        row.Put(changes);
        Assert.Equal(row, ClusterRow.Find(changes));
        changes.Keep();
        changes.Flush();
        var (key, value) = Assert.Single(store.Rows);
        Assert.Equal("4d636c7573746572", Convert.ToHexStringLower(key));
        Assert.Equal(
            "01000000" + "0200000000000000" + "0100000000000000" + "0400000000000000" + "0300000000000000",
            Convert.ToHexStringLower(value));
        value[0] = 2;
        changes.Put(key, value);
        Assert.Throws<RowFormatException>(() => ClusterRow.Find(changes));
    }

    [Fact]
    public void An_inode()
    {
        var bytes = new byte[InodeRow.SizeBytes];
        Row.Write(bytes);
        Assert.Equal(
            "0104ff03" + "04030201" + "05000000" + "06000000" + "0700000000000000" + "0800000000000000"
            + "0900000000000000" + "0a00000000000000" + "0b00000000000000" + "0c00000000000000"
            + "ffffffffffffffff0d000000" + "0e000000000000000f000000" + "100000000000000011000000"
            + "120000000000000013000000" + new string('0', 24) + "14000000" + "15000000" + "0f000000",
            Convert.ToHexStringLower(bytes));
        Assert.Equal(Row, InodeRow.Read(bytes));
    }

    [Fact]
    public void A_dentry()
    {
        var bytes = new byte[DentryRow.SizeBytes];
        new DentryRow(new InodeId(0x1122), InodeKind.File).Write(bytes);
        Assert.Equal("01082211000000000000", Convert.ToHexStringLower(bytes));
        Assert.Equal(new DentryRow(new InodeId(0x1122), InodeKind.File), DentryRow.Read(bytes));
    }

    [Fact]
    public void Keys_sort_as_what_they_mean()
    {
        Assert.Equal("490000000000000102", Hex(RowKey.Of(new byte[RowKey.BytesMax], RowTable.Inode, new InodeId(258))));
        var key = RowKey.OfDentry(new byte[RowKey.BytesMax], new InodeId(2), 0x0304, "ab"u8);
        Assert.Equal("44" + "0000000000000002" + "0000000000000304" + "6162", Hex(key));
        Assert.Equal((new InodeId(2), 0x0304UL), (RowKey.InodeOf(key), RowKey.CookieOf(key)));
        Assert.Equal("ab"u8.ToArray(), RowKey.NameOf(key).ToArray());
    }

    [Fact]
    public void A_quota_and_its_walk()
    {
        var row = new QuotaRow
        {
            State = QuotaState.Active,
            InodesMax = 1,
            BytesMax = 2,
            Inodes = 3,
            Bytes = 4,
            Above = new InodeId(5),
        };
        var bytes = new byte[QuotaRow.SizeBytes];
        row.Write(bytes);
        Assert.Equal(
            "0102000000000000" + "0100000000000000" + "0200000000000000" + "0300000000000000" + "0400000000000000"
            + "0500000000000000", Hex(bytes));
        Assert.Equal(row, QuotaRow.Read(bytes));
        bytes[1] = 5;
        Assert.Throws<RowFormatException>(() => QuotaRow.Read(bytes));
        Assert.Throws<RowFormatException>(() => QuotaRow.Read(bytes.AsSpan(1)));
        bytes = new byte[WalkRow.SizeBytes];
        new WalkRow(new InodeId(1), new InodeId(2)).Write(bytes);
        Assert.Equal("0100000000000000" + "0100000000000000" + "0200000000000000", Hex(bytes));
        Assert.Equal(new WalkRow(new InodeId(1), new InodeId(2)), WalkRow.Read(bytes));
        bytes[0] = 2;
        Assert.Throws<RowFormatException>(() => WalkRow.Read(bytes));
    }

    [Fact]
    public void Keys_of_what_belongs_to_an_inode()
    {
        var buffer = new byte[RowKey.BytesMax];
        Assert.Equal("41000000000000010261", Hex(RowKey.OfAcl(buffer, new InodeId(258), AclKind.Access)));
        Assert.Equal("580000000000000102757365722e61", Hex(RowKey.OfXattr(buffer, new InodeId(258), "user.a"u8)));
        Assert.Equal("user.a"u8.ToArray(), RowKey.XattrNameOf(
            RowKey.OfXattr(buffer, new InodeId(258), "user.a"u8)).ToArray());
        var open = RowKey.OfOpen(buffer, RowTable.Open, 258, 3, 4);
        Assert.Equal("50" + "0000000000000102" + "0000000000000003" + "0000000000000004", Hex(open));
        Assert.Equal((258UL, 3UL, 4UL),
            (RowKey.InodeOf(open).Value, RowKey.CookieOf(open), RowKey.HandleOf(open)));
    }

    [Fact]
    public void What_follows_all_that_start_so()
    {
        var buffer = new byte[RowKey.BytesMax];
        Assert.Equal("4102", Hex(RowKey.After(buffer, [0x41, 0x01])));
        Assert.Equal("42", Hex(RowKey.After(buffer, [0x41, 0xFF, 0xFF])));
        Assert.Equal("4101", Hex(RowKey.After(buffer, [0x41, 0x00, 0xFF])));
    }

    [Fact]
    public void Cookies_leave_room_for_the_dots_and_the_end()
    {
        for (var i = 0; i < 1000; i++)
        {
            var cookie = Cookies.Of(7, BitConverter.GetBytes(i));
            Assert.InRange(cookie, Cookies.First, Cookies.Last);
            Assert.Equal(DistFS.Metadata.Store.SipHash.Compute(7, BitConverter.GetBytes(i)) >> 1, cookie);
        }

        Assert.True(Cookies.Start < Cookies.Self && Cookies.Self < Cookies.Parent && Cookies.Parent < Cookies.First);
        Assert.True(Cookies.Last < long.MaxValue);
    }

    [Fact]
    public void Every_table_has_a_letter_of_its_own() =>
        Assert.Equal(Enum.GetValues<RowTable>().Length, Enum.GetValues<RowTable>().Distinct().Count());

    [Fact]
    public void What_this_version_did_not_write_is_refused()
    {
        var bytes = new byte[InodeRow.SizeBytes];
        Row.Write(bytes);
        Assert.Throws<RowFormatException>(() => InodeRow.Read(bytes.AsSpan(1)));
        bytes[0] = 2;
        Assert.Throws<RowFormatException>(() => InodeRow.Read(bytes));
        Assert.Throws<RowFormatException>(() => DentryRow.Read(new byte[DentryRow.SizeBytes]));
        bytes[0] = 1;
        bytes[75] = 0xFF;
        Assert.Throws<RowFormatException>(() => InodeRow.Read(bytes));
        bytes[75] = 0;
        Assert.Equal(0u, InodeRow.Read(bytes).AccessTime.Nanoseconds >> 24);
        bytes[135] = 0x80;
        Assert.Throws<RowFormatException>(() => InodeRow.Read(bytes));
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
