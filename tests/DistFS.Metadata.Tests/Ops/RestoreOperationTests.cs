using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>What was removed comes back: where it was, or elsewhere.</summary>
public sealed class RestoreOperationTests
{
    private readonly Namespace _fs = new();
    private readonly InodeId _a;
    private readonly InodeId _b;

    public RestoreOperationTests()
    {
        (_a, _b) = (_fs.Directory(InodeId.Root, "a", 0b111_111_111), _fs.Directory(InodeId.Root, "b"));
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(InodeId.Root, 1000));
    }

    [Fact]
    public void A_file_with_all_that_it_had()
    {
        var file = _fs.File(_a, "f");
        Assert.Equal(FsStatus.Ok, _fs.Allocate(file, 10));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(file, "user.x", [1]));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, "f"));
        _fs.Sound();
        Assert.Equal(FsStatus.NotFound, _fs.Lookup(_a, "f", out _));
        Assert.Equal(FsStatus.Stale, _fs.Open(file, 1));
        Assert.Equal(FsStatus.NotFound, _fs.Link(file, _a, "g"));
        Assert.Equal(FsStatus.Ok, _fs.Restore(file));
        Assert.Equal((1u, 10UL), (_fs.Last.Links, _fs.Last.Size));
        Assert.Equal(file, _fs.Find(_a, "f"));
        Assert.Equal(["user.x"], _fs.Xattrs(file));
        Assert.Equal((default, InodeFlags.None), (_fs.Row(file).Parent, _fs.Row(file).Flags));
        Assert.Equal(FsStatus.NotFound, _fs.Restore(file));
        Assert.Equal(0, _fs.Count(RowTable.Trash) + _fs.Count(RowTable.TrashEntry));
        _fs.Sound();
    }

    [Fact]
    public void Elsewhere_and_under_another_name()
    {
        var file = _fs.File(_a, "f");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, "f"));
        _fs.File(_a, "f");
        Assert.Equal(FsStatus.AlreadyExists, _fs.Restore(file));
        Assert.Equal(FsStatus.Invalid, _fs.Restore(file, _b, "x/y"));
        Assert.Equal(FsStatus.NotADirectory, _fs.Restore(file, _fs.Find(_a, "f")!.Value, "x"));
        Assert.Equal(FsStatus.Ok, _fs.Restore(file, _b, "g"));
        Assert.Equal(file, _fs.Find(_b, "g"));
        _fs.Sound();
    }

    /// <summary>As rm -r removes it, from the leaves up, and back from the top down.</summary>
    [Fact]
    public void A_tree_from_the_top_down()
    {
        var sub = _fs.Directory(_a, "sub");
        var file = _fs.File(sub, "f");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(sub, "f"));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(_a, "sub"));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "a"));
        _fs.Sound();
        Assert.Equal(["a"], _fs.Trash(InodeId.Root));
        Assert.Equal(["sub"], _fs.Trash(_a));
        Assert.Equal(["f"], _fs.Trash(sub));

        // Its directory is in the trash itself.
        Assert.Equal(FsStatus.NotFound, _fs.Restore(file));
        Assert.Equal(FsStatus.NotFound, _fs.Restore(sub, _a));
        foreach (var inode in (InodeId[])[_a, sub, file])
        {
            Assert.Equal(FsStatus.Ok, _fs.Restore(inode));
            _fs.Sound();
        }

        Assert.Equal((sub, file), (_fs.Find(_a, "sub"), _fs.Find(sub, "f")));
        Assert.Equal(3u, _fs.Row(_a).Links);
    }

    [Fact]
    public void Not_below_itself()
    {
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "b"));
        Assert.Equal(FsStatus.NotFound, _fs.Restore(_b, _b, "x"));
        _fs.Sound();
    }

    [Fact]
    public void Where_its_directory_is_gone_it_needs_another()
    {
        var file = _fs.File(_b, "f");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_b, "f"));
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_b));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "b"));
        _fs.Collect();
        Assert.False(_fs.Exists(_b));
        _fs.Sound();
        Assert.Equal(FsStatus.NotFound, _fs.Restore(file));
        Assert.Equal(FsStatus.Ok, _fs.Restore(file, _a));
        _fs.Sound();
    }

    [Fact]
    public void What_a_rename_replaced()
    {
        var before = _fs.File(_a, "f");
        _fs.File(_a, "new");
        Assert.Equal(FsStatus.Ok, _fs.Rename(_a, "new", _a, "f"));
        Assert.Equal(["f"], _fs.Trash(_a));
        Assert.Equal(FsStatus.AlreadyExists, _fs.Restore(before));
        Assert.Equal(FsStatus.Ok, _fs.Restore(before, name: "f.before"));
        Assert.Equal(FsStatus.Ok, _fs.Make(_a, "d", InodeKind.Directory));
        Assert.Equal(FsStatus.Ok, _fs.Rename(_a, "d", InodeId.Root, "b"));
        Assert.Equal(["b"], _fs.Trash(InodeId.Root));
        _fs.Sound();
    }

    [Fact]
    public void Only_the_last_name_counts()
    {
        var file = _fs.File(_a, "f");
        Assert.Equal(FsStatus.Ok, _fs.Link(file, _b, "g"));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, "f"));
        Assert.Empty(_fs.Trash(_a));
        Assert.Equal(FsStatus.NotFound, _fs.Restore(file));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_b, "g"));
        Assert.Equal(["g"], _fs.Trash(_b));
        Assert.Equal(FsStatus.Ok, _fs.Restore(file));
        Assert.Equal(1u, _fs.Row(file).Links);
        _fs.Sound();
    }

    [Fact]
    public void What_is_open_too()
    {
        var file = _fs.File(_a, "f");
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 1));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, "f"));
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, _fs.Release(file, 1));
        _fs.Collect();
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, _fs.Open(_a, 1));
        Assert.Equal(FsStatus.Ok, _fs.Restore(file));
        Assert.Equal(file, _fs.Find(_a, "f"));
        _fs.Sound();
    }

    [Fact]
    public void Only_its_owner_and_only_where_he_may_write()
    {
        var file = _fs.File(_a, "f");
        Assert.Equal(FsStatus.Ok, _fs.Set(file, set => set.Uid = 5));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, "f"));
        _fs.Caller = Namespace.User(6, 6);
        Assert.Equal(FsStatus.NotPermitted, _fs.Restore(file));
        Assert.Equal(FsStatus.NotPermitted, _fs.Purge(file));
        _fs.Caller = Namespace.User(5, 5);
        Assert.Equal(FsStatus.AccessDenied, _fs.Restore(file, _b));
        Assert.Equal(FsStatus.Ok, _fs.Restore(file));
        _fs.Sound();
    }

    [Fact]
    public void Its_quota_is_that_of_the_place()
    {
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(_a, inodesMax: 9));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(_b, inodesMax: 1));
        var file = _fs.File(_a, "f");
        var directory = _fs.Directory(_a, "d");
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(directory, inodesMax: 5));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, "f"));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(_a, "d"));

        // What is in the trash counts where it was.
        Assert.Equal(3UL, _fs.Quota(_a).Inodes);
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Restore(file, _b));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Restore(directory, _b));
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(_b, inodesMax: 3));
        Assert.Equal(FsStatus.Ok, _fs.Restore(file, _b));
        Assert.Equal(FsStatus.Ok, _fs.Restore(directory, _b));
        Assert.Equal((1UL, 3UL), (_fs.Quota(_a).Inodes, _fs.Quota(_b).Inodes));
        Assert.Equal(_b, _fs.Quota(directory).Above);
        _fs.Sound();
    }
}
