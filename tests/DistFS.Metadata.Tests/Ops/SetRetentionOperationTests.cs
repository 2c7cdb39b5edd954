using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>How long what is removed is kept: said of a directory, and for all below it that say nothing.</summary>
public sealed class SetRetentionOperationTests
{
    private readonly Namespace _fs = new();
    private readonly InodeId _a;
    private readonly InodeId _b;

    public SetRetentionOperationTests() =>
        (_a, _b) = (_fs.Directory(InodeId.Root, "a"), _fs.Directory(InodeId.Root, "b"));

    [Fact]
    public void Nothing_is_kept_unless_somebody_says_so()
    {
        var file = _fs.File(_a, "f");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, "f"));
        Assert.Equal((0, false), (_fs.Count(RowTable.Trash), _fs.Exists(file)));
        Assert.Equal((0UL, default), _fs.Retention(_a));
    }

    [Fact]
    public void The_nearest_directory_that_says_something_counts()
    {
        var below = _fs.Directory(_a, "below");
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(InodeId.Root, 100));
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_a, 7));
        Assert.Equal(((7UL, _a), (100UL, InodeId.Root)), (_fs.Retention(below), _fs.Retention(_b)));
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_a));
        Assert.Equal((0UL, _a), _fs.Retention(below));
        _fs.File(below, "f");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(below, "f"));
        Assert.Equal(0, _fs.Count(RowTable.Trash));
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_a, clear: true));
        Assert.Equal((100UL, InodeId.Root), _fs.Retention(below));
        Assert.Equal(FsStatus.NoData, _fs.SetRetention(_a, clear: true));
        _fs.Sound();
    }

    [Fact]
    public void What_is_in_the_trash_stays_as_long_as_was_said()
    {
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_a, 100));
        _fs.File(_a, "f");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, "f"));
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_a, clear: true));
        Assert.False(_fs.Collect().More);
        Assert.Equal(["f"], _fs.Trash(_a));
        _fs.Sound();
    }

    [Fact]
    public void A_setting_goes_with_its_directory()
    {
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_a, 10));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "a"));
        _fs.Wait(12);
        _fs.Collect();
        Assert.False(_fs.Exists(_a));
        Assert.Equal(0, _fs.Count(RowTable.Retention));
        var file = _fs.File(_b, "f");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_b, "f"));
        Assert.False(_fs.Exists(file));
        _fs.Sound();
    }

    [Fact]
    public void Only_its_owner_says_it_and_only_of_a_directory()
    {
        var file = _fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.NotADirectory, _fs.SetRetention(file, 1));
        Assert.Equal(FsStatus.NotFound, _fs.SetRetention(new InodeId(99), 1));
        Assert.Equal(FsStatus.Invalid, _fs.SetRetention(_a, 1, clear: true));
        Assert.Equal(FsStatus.Invalid, _fs.SetRetention(_a, ulong.MaxValue));
        Assert.Equal(FsStatus.Ok, _fs.Set(_a, set => set.Uid = 5));
        _fs.Caller = Namespace.User(6, 6);
        Assert.Equal(FsStatus.NotPermitted, _fs.SetRetention(_a, 1));
        _fs.Caller = Namespace.User(5, 5);
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_a, 1));
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "a"));
        Assert.Equal(FsStatus.NotFound, _fs.SetRetention(_a, 2));
        _fs.Sound();
    }
}
