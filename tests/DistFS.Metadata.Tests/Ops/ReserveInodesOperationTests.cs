using DistFS.Metadata.Fsck;
using DistFS.Metadata.Ranges;
using DistFS.Metadata.Rows;
using Google.Protobuf;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Ranges of inode numbers: a client makes inodes locally, and the numbers hold when they are sent.</summary>
public sealed class ReserveInodesOperationTests
{
    private readonly Namespace _fs = new();

    [Theory]
    [InlineData(63, FsStatus.Invalid)]
    [InlineData(64, FsStatus.Ok)]
    [InlineData(65_536, FsStatus.Ok)]
    [InlineData(65_537, FsStatus.Invalid)]
    public void A_range_has_64_to_65536_numbers(uint count, FsStatus expected) =>
        Assert.Equal(expected, Reserve(count));

    [Fact]
    public void Numbers_are_given_once()
    {
        var before = _fs.File(InodeId.Root, "before");
        var first = Range(64);
        Assert.Equal(before.Value + 1, first);
        Assert.Equal(first + 64, _fs.File(InodeId.Root, "between").Value);
        Assert.Equal(first + 65, Range(64));
        Assert.Equal(FsStatus.Ok, Make("a", first + 3));
        Assert.Equal(first + 3, _fs.Last.Inode);
        Sound();

        // Used, passed over, and used again.
        Assert.Equal(FsStatus.Stale, Make("b", first + 3));
        Assert.Equal(FsStatus.Stale, Make("b", first + 2));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "a"));
        Assert.Equal(FsStatus.Stale, Make("b", first + 3));
        Assert.Equal(FsStatus.Ok, Make("b", first + 4));
        Sound();
    }

    [Fact]
    public void Numbers_of_nobody_and_of_others_are_refused()
    {
        var first = Range(64);
        _fs.Client = Namespace.OtherClient;
        foreach (var id in new[] { first, first + 63, first + 64, ulong.MaxValue, InodeId.ToldBy(0).Value })
        {
            Assert.Equal(FsStatus.NotPermitted, Make("a", id));
        }

        Assert.Equal(FsStatus.Stale, Make("a", InodeId.Root.Value));
        Assert.Equal(0UL, _fs.Row(InodeId.Root).Entries);
        _fs.Client = new ClientId(1);
        Assert.Equal(FsStatus.Ok, Make("a", first));
        Sound();
    }

    [Fact]
    public void A_range_that_is_used_up_is_gone_and_an_error_uses_nothing()
    {
        var first = Range(64);
        Assert.Equal(FsStatus.Ok, Make("a", first + 62));
        Assert.Equal(FsStatus.AlreadyExists, Make("a", first + 63));
        Assert.Equal(FsStatus.NotFound, Make("", first + 63));
        Assert.Equal(1, _fs.Count(RowTable.InodeRange));
        Assert.Equal(FsStatus.Ok, Make("b", first + 63));
        Assert.Equal(0, _fs.Count(RowTable.InodeRange));
        Assert.Equal(FsStatus.Stale, Make("c", first + 63));
        Sound();
    }

    [Fact]
    public void An_open_of_what_exists_uses_no_number()
    {
        var first = Range(64);
        var file = _fs.File(InodeId.Root, "a");
        Assert.Equal(FsStatus.Ok, Make("a", first, orExisting: true));
        Assert.Equal(file.Value, _fs.Last.Inode);
        Assert.Equal(FsStatus.Ok, Make("b", first));
    }

    [Fact]
    public void A_session_has_16_ranges()
    {
        for (var i = 0; i < 16; i++)
        {
            Range(64);
        }

        Assert.Equal(FsStatus.Busy, Reserve(64));
        _fs.Client = Namespace.OtherClient;
        Assert.Equal(FsStatus.Ok, Reserve(64));
        Sound();
    }

    [Fact]
    public void A_range_of_no_session_or_with_a_number_in_use_is_found()
    {
        var first = Range(64);
        Assert.Equal(FsStatus.Ok, Make("a", first));
        _fs.Tree.PutRange(_fs.Client, first, new InodeRangeRow(first, first + 64));
        Finds("has its number yet");
        _fs.Tree.PutRange(_fs.Client, first, new InodeRangeRow(first + 1, first + 65));
        Finds("numbers of others, or not given yet");
        _fs.Tree.PutRange(_fs.Client, first, new InodeRangeRow(first + 1, first + 64));
        Sound();
        _fs.Tree.PutRange(new ClientId(77), first + 1, new InodeRangeRow(first + 1, first + 64));
        Finds("which is no session");
    }

    [Fact]
    public void The_row()
    {
        var bytes = new byte[InodeRangeRow.SizeBytes];
        new InodeRangeRow(0x0102, 0x0304).Write(bytes);
        Assert.Equal(
            "0100000000000000" + "0201000000000000" + "0403000000000000", Convert.ToHexStringLower(bytes));
        Assert.Equal(new InodeRangeRow(0x0102, 0x0304), InodeRangeRow.Read(bytes));
        Assert.Equal(
            "6e" + "0000000000000005" + "0000000000000006",
            Convert.ToHexStringLower(RowKey.Of(new byte[RowKey.BytesMax], RowTable.InodeRange, 5, 6)));
        bytes[0] = 2;
        Assert.Throws<RowFormatException>(() => InodeRangeRow.Read(bytes));
    }

    private FsStatus Reserve(uint count) =>
        _fs.Apply(new Operation { ReserveInodes = new ReserveInodesRequest { Count = count } });

    private ulong Range(uint count)
    {
        Assert.Equal(FsStatus.Ok, Reserve(count));
        Assert.Equal(count, _fs.Reply.Inodes.Count);
        return _fs.Reply.Inodes.First;
    }

    private FsStatus Make(string name, ulong inode, bool orExisting = false) => _fs.Apply(new Operation
    {
        Make = new MakeRequest
        {
            Parent = 1,
            Name = ByteString.CopyFromUtf8(name),
            Kind = (uint)InodeKind.File,
            Inode = inode,
            OrExisting = orExisting,
        },
    });

    private void Sound()
    {
        _fs.Keep();
        Assert.Empty(TreeCheck.Run(_fs.Rows(), 7));
    }

    private void Finds(string what)
    {
        _fs.Keep();
        Assert.Contains(TreeCheck.Run(_fs.Rows(), 7), finding => finding.Contains(what, StringComparison.Ordinal));
    }
}
