namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, unlink.</summary>
public sealed class UnlinkOperationTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void The_last_name_goes_and_the_file_is_an_orphan()
    {
        var file = _fs.File(InodeId.Root, "a");
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(file, "user.a", [1]));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "a"));
        Assert.Null(_fs.Find(InodeId.Root, "a"));
        Assert.Equal((0u, _fs.Now), (_fs.Row(file).Links, _fs.Row(file).ChangeTime));
        var root = _fs.Row(InodeId.Root);
        Assert.Equal((0UL, 2u, _fs.Now), (root.Entries, root.Links, root.ModifyTime));
        Assert.Single(_fs.Rows().Rows, row => row.Key[0] == 'O');
    }

    [Fact]
    public void What_cannot_be_unlinked()
    {
        var file = _fs.File(InodeId.Root, "a");
        _fs.Directory(InodeId.Root, "d");
        Assert.Equal(FsStatus.IsADirectory, _fs.Unlink(InodeId.Root, "d"));
        Assert.Equal(FsStatus.NotFound, _fs.Unlink(InodeId.Root, "x"));
        Assert.Equal(FsStatus.Invalid, _fs.Unlink(InodeId.Root, ".."));
        Assert.Equal(FsStatus.NotADirectory, _fs.Unlink(file, "x"));
    }

    /// <summary>Who cleans up what he made does not remove what another has put in its place since.</summary>
    [Fact]
    public void A_name_of_another_stays()
    {
        var before = _fs.File(InodeId.Root, "a");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "a", only: before));
        var after = _fs.File(InodeId.Root, "a");
        Assert.Equal(FsStatus.Stale, _fs.Unlink(InodeId.Root, "a", only: before));
        Assert.NotNull(_fs.Find(InodeId.Root, "a"));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "a", only: after));
    }

    /// <summary>POSIX, XSI: only owners remove names from a sticky directory.</summary>
    [Fact]
    public void Who_may_unlink()
    {
        var open = _fs.Directory(InodeId.Root, "open", 0b111_111_111);
        var sticky = _fs.Directory(InodeId.Root, "tmp", 0b001_111_111_111);
        _fs.File(InodeId.Root, "a");
        _fs.Caller = Namespace.User(1000, 100);
        _fs.File(open, "a");
        _fs.File(sticky, "a");
        _fs.Caller = Namespace.User(1001, 100);
        Assert.Equal(FsStatus.AccessDenied, _fs.Unlink(InodeId.Root, "a"));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(open, "a"));
        Assert.Equal(FsStatus.NotPermitted, _fs.Unlink(sticky, "a"));
        _fs.Caller = Namespace.User(1000, 1);
        Assert.Equal(FsStatus.Ok, _fs.Unlink(sticky, "a"));
    }
}
