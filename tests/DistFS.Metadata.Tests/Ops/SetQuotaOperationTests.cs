using DistFS.Metadata.Quotas;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Quotas of directories, after the project quotas of XFS.</summary>
public sealed class SetQuotaOperationTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void A_limit_of_inodes_is_exact()
    {
        var top = _fs.Directory(InodeId.Root, "top");
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top, inodesMax: 4));
        Assert.Equal((QuotaState.Active, 1UL), (_fs.Quota(top).State, _fs.Quota(top).Inodes));
        var below = _fs.Directory(top, "d");
        var a = _fs.File(below, "a");
        var file = _fs.File(top, "b");
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(a, "user.a", [1]));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Make(below, "c"));
        Assert.Equal(4UL, _fs.Quota(top).Inodes);

        // A name is no inode; one without a name counts until it is collected.
        Assert.Equal(FsStatus.Ok, _fs.Link(file, below, "b2"));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(below, "a"));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Make(below, "c"));
        _fs.Sound();
        _fs.Collect();
        Assert.Equal(FsStatus.Ok, _fs.Make(below, "c"));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top, inodesMax: 5));
        Assert.Equal(FsStatus.Ok, _fs.Make(below, "e"));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Make(below, "f"));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top));
        Assert.Equal(FsStatus.Ok, _fs.Make(below, "f"));
        _fs.Sound();
    }

    [Fact]
    public void Of_quotas_below_each_other_all_hold()
    {
        var top = _fs.Directory(InodeId.Root, "top");
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top, bytesMax: 100));
        var one = _fs.Directory(top, "one");
        var two = _fs.Directory(top, "two");
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(one, bytesMax: 80));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(two, bytesMax: 80));
        var (a, b) = (_fs.File(one, "a"), _fs.File(two, "b"));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Allocate(a, 81));
        Assert.Equal(FsStatus.Ok, _fs.Allocate(a, 80));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Allocate(b, 21));
        Assert.Equal(FsStatus.Ok, _fs.Allocate(b, 20));
        Assert.Equal((100UL, 80UL, 20UL), (_fs.Quota(top).Bytes, _fs.Quota(one).Bytes, _fs.Quota(two).Bytes));
        Assert.Equal((5UL, 2UL), (_fs.Quota(top).Inodes, _fs.Quota(one).Inodes));
        Assert.Equal(FsStatus.Ok, _fs.Allocate(a, -80));
        Assert.Equal(FsStatus.Ok, _fs.Allocate(b, 60));
        Assert.Equal(FsStatus.Ok, GetQuotaRead.Apply(_fs.Reading, b, out var directory, out var quota));
        Assert.Equal((two, _fs.Quota(two)), (directory, quota));
        Assert.Equal(FsStatus.NoData, GetQuotaRead.Apply(_fs.Reading, InodeId.Root, out _, out _));
        Assert.Equal(FsStatus.NotFound, GetQuotaRead.Apply(_fs.Reading, new InodeId(99), out _, out _));
        _fs.Sound();
    }

    [Fact]
    public void Over_the_edge_go_files_of_one_name_with_their_charge()
    {
        var one = _fs.Directory(InodeId.Root, "one");
        var two = _fs.Directory(InodeId.Root, "two");
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(one, inodesMax: 4));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(two, inodesMax: 3, bytesMax: 10));
        var file = _fs.File(one, "f");
        Assert.Equal(FsStatus.Ok, _fs.Allocate(file, 7));
        Assert.Equal(FsStatus.CrossDevice, _fs.Link(file, two, "f"));
        Assert.Equal(FsStatus.Ok, _fs.Rename(one, "f", two, "f"));
        Assert.Equal((1UL, 2UL, 7UL), (_fs.Quota(one).Inodes, _fs.Quota(two).Inodes, _fs.Quota(two).Bytes));
        _fs.Sound();

        var big = _fs.File(one, "big");
        Assert.Equal(FsStatus.Ok, _fs.Allocate(big, 4));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Rename(one, "big", two, "big"));
        Assert.Equal((2UL, one), (_fs.Quota(one).Inodes, _fs.Row(big).Domain));
        Assert.Equal(FsStatus.Ok, _fs.Link(big, one, "big2"));
        Assert.Equal(FsStatus.CrossDevice, _fs.Rename(one, "big", InodeId.Root, "big"));
        _fs.Directory(one, "d");
        Assert.Equal(FsStatus.CrossDevice, _fs.Rename(one, "d", InodeId.Root, "d"));
        Assert.Equal(FsStatus.CrossDevice, _fs.Rename(two, "f", one, "d", exchange: true));
        Assert.Equal(FsStatus.Ok, _fs.Rename(InodeId.Root, "one", InodeId.Root, "uno"));

        // Of two that change places each gets the other's.
        _fs.File(one, "x");
        Assert.Equal(FsStatus.Ok, _fs.Rename(one, "x", two, "f", exchange: true));
        Assert.Equal((4UL, 11UL, 2UL, 0UL),
            (_fs.Quota(one).Inodes, _fs.Quota(one).Bytes, _fs.Quota(two).Inodes, _fs.Quota(two).Bytes));
        _fs.Sound();
    }

    [Fact]
    public void Who_may_and_where()
    {
        var file = _fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.NotADirectory, _fs.SetQuota(file, 1));
        Assert.Equal(FsStatus.NotFound, _fs.SetQuota(new InodeId(99), 1));
        Assert.Equal(FsStatus.NoData, _fs.SetQuota(InodeId.Root, clear: true));
        Assert.Equal(FsStatus.Invalid, _fs.SetQuota(InodeId.Root, 1, clear: true));
        _fs.Caller = Namespace.User(7, 7);
        Assert.Equal(FsStatus.NotPermitted, _fs.SetQuota(InodeId.Root, 1));
    }

    [Fact]
    public void What_is_there_already_is_counted_in_steps_and_then_the_limits_hold()
    {
        var top = _fs.Directory(InodeId.Root, "top");
        var deep = _fs.Directory(_fs.Directory(top, "a"), "b");
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(FsStatus.Ok, _fs.Allocate(_fs.File(deep, $"f{i}"), 5));
        }

        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top, inodesMax: 3));
        Assert.Equal(QuotaState.Counting, _fs.Quota(top).State);
        Assert.Equal(FsStatus.Busy, _fs.SetQuota(InodeId.Root, 1));
        Assert.Equal(FsStatus.Busy, _fs.SetQuota(top, clear: true));
        _fs.File(deep, "more");
        Assert.True(_fs.Collect(1).More);
        Steps(2);
        Assert.Equal((QuotaState.Active, 14UL, 50UL),
            (_fs.Quota(top).State, _fs.Quota(top).Inodes, _fs.Quota(top).Bytes));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Make(deep, "x"));
        Assert.Equal(top, _fs.Row(deep).Domain);

        // One below it takes its part, and gives it back.
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(deep));
        Steps(1);
        Assert.Equal((14UL, 12UL, 50UL), (_fs.Quota(top).Inodes, _fs.Quota(deep).Inodes, _fs.Quota(deep).Bytes));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top, clear: true));
        Steps(3);
        Assert.False(_fs.Tree.TryGetQuota(top, out _));
        Assert.Equal((12UL, default(InodeId)), (_fs.Quota(deep).Inodes, _fs.Quota(deep).Above));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(InodeId.Root));
        Steps(5);
        Assert.Equal((16UL - 1, 12UL), (_fs.Quota(InodeId.Root).Inodes, _fs.Quota(deep).Inodes));
        Assert.Equal(InodeId.Root, _fs.Quota(deep).Above);
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(deep, clear: true));
        Steps(5);
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(InodeId.Root, clear: true));
        Steps(5);
        Assert.Equal(0, _fs.Count(RowTable.Quota));
    }

    /// <summary>A name that moves behind the place where the walk is must not be missed.</summary>
    [Fact]
    public void What_is_renamed_while_it_is_counted_is_counted_once()
    {
        var top = _fs.Directory(InodeId.Root, "top");
        for (var i = 0; i < 30; i++)
        {
            var directory = _fs.Directory(top, $"d{i}");
            _fs.File(directory, "f");
            _fs.File(top, $"f{i}");
        }

        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top));
        for (var i = 0; i < 30; i++)
        {
            _fs.Collect(2);
            Assert.Equal(FsStatus.Ok, _fs.Rename(top, $"d{i}", top, $"renamed{i}"));
            Assert.Equal(FsStatus.Ok, _fs.Rename(top, $"f{i}", top, $"renamedf{i}"));
            _fs.Sound();
        }

        Steps(7);
        Assert.Equal(91UL, _fs.Quota(top).Inodes);
    }

    [Fact]
    public void A_directory_that_goes_takes_its_quota_with_it_but_not_before_its_open_files()
    {
        var top = _fs.Directory(InodeId.Root, "top");
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(InodeId.Root));
        Steps(9);
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top, inodesMax: 2));
        var file = _fs.File(top, "f");
        Assert.Equal(FsStatus.Ok, _fs.Allocate(file, 9));
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 1));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(top, "f"));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "top"));
        _fs.Collect();
        Assert.Equal((QuotaState.Ended, 1UL, 9UL), (_fs.Quota(top).State, _fs.Quota(top).Inodes, _fs.Quota(top).Bytes));
        Assert.Equal((2UL, 9UL), (_fs.Quota(InodeId.Root).Inodes, _fs.Quota(InodeId.Root).Bytes));
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, _fs.Release(file, 1));
        _fs.Collect();
        Assert.False(_fs.Tree.TryGetQuota(top, out _));
        Assert.Equal((1UL, 0UL), (_fs.Quota(InodeId.Root).Inodes, _fs.Quota(InodeId.Root).Bytes));
        _fs.Sound();
    }

    [Fact]
    public void One_that_has_ended_begins_anew_with_what_it_has()
    {
        var top = _fs.Directory(InodeId.Root, "top");
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top));
        var file = _fs.File(top, "f");
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 1));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(top, "f"));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top, clear: true));
        Assert.Equal((QuotaState.Ended, 1UL), (_fs.Quota(top).State, _fs.Quota(top).Inodes));
        _fs.Sound();
        Assert.Equal(FsStatus.NoData, _fs.SetQuota(top, clear: true));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(top, inodesMax: 2));
        Assert.Equal((QuotaState.Active, 2UL), (_fs.Quota(top).State, _fs.Quota(top).Inodes));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Make(top, "x"));
        _fs.Sound();
    }

    private void Steps(int rowsMax)
    {
        for (var more = true; more;)
        {
            var reply = _fs.Collect(rowsMax);
            Assert.InRange((int)reply.Rows, 1, rowsMax);
            more = reply.More;
            _fs.Sound();
        }
    }
}
