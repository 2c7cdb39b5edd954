using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Linux, removexattr; the tests of setxattr have who may.</summary>
public sealed class RemoveXattrOperationTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void What_is_removed_is_gone()
    {
        var file = _fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(file, "user.a", [1]));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(file, "user.bb", [1]));
        Assert.Equal(FsStatus.Ok, _fs.RemoveXattr(file, "user.a"));
        Assert.Equal(["user.bb"], _fs.Xattrs(file));
        Assert.Equal((8u, _fs.Now), (_fs.Row(file).XattrNamesBytes, _fs.Row(file).ChangeTime));
        Assert.Equal(FsStatus.NoData, _fs.GetXattr(file, "user.a", out _));
        Assert.Equal(FsStatus.NoData, _fs.RemoveXattr(file, "user.a"));
        Assert.Equal(FsStatus.NotFound, _fs.RemoveXattr(new InodeId(99), "user.a"));
        Assert.Equal(FsStatus.Ok, _fs.RemoveXattr(file, "user.bb"));
        Assert.False(_fs.Last.HasXattrs);
        Assert.Equal(0, _fs.Count(RowTable.Xattr));
    }

    [Fact]
    public void Lists_that_are_not_there_are_removed_with_success()
    {
        var file = _fs.File(InodeId.Root, "f");
        var before = _fs.Row(file);
        Assert.Equal(FsStatus.Ok, _fs.RemoveXattr(file, "system.posix_acl_access"));
        Assert.Equal(FsStatus.Ok, _fs.RemoveXattr(file, "system.posix_acl_default"));
        Assert.Equal(before, _fs.Row(file));
    }
}
