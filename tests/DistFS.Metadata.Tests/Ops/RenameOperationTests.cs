namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, rename; Linux, renameat2. The random histories compare the tree; these show the rules.</summary>
public sealed class RenameOperationTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void A_directory_moves_with_what_is_below_it()
    {
        var a = _fs.Directory(InodeId.Root, "a");
        var b = _fs.Directory(InodeId.Root, "b");
        var below = _fs.Directory(a, "c");
        Assert.Equal(FsStatus.Ok, _fs.Rename(InodeId.Root, "a", b, "z"));
        Assert.Equal((a, b), (_fs.Find(b, "z"), _fs.Row(a).Parent));
        Assert.Equal(below, _fs.Find(a, "c"));
        Assert.Equal((3u, 3u), (_fs.Row(InodeId.Root).Links, _fs.Row(b).Links));
        Assert.Equal(_fs.Now, _fs.Row(a).ChangeTime);
    }

    [Fact]
    public void Never_into_itself()
    {
        var a = _fs.Directory(InodeId.Root, "a");
        var b = _fs.Directory(a, "b");
        var c = _fs.Directory(b, "c");
        Assert.Equal(FsStatus.Invalid, _fs.Rename(InodeId.Root, "a", a, "x"));
        Assert.Equal(FsStatus.Invalid, _fs.Rename(InodeId.Root, "a", c, "x"));
        Assert.Equal(FsStatus.Invalid, _fs.Rename(b, "c", InodeId.Root, "a", exchange: true));
        Assert.Equal(FsStatus.NotEmpty, _fs.Rename(b, "c", InodeId.Root, "a"));
        Assert.Equal(FsStatus.Ok, _fs.Rename(a, "b", InodeId.Root, "b"));
        Assert.Equal(FsStatus.Ok, _fs.Rename(InodeId.Root, "a", c, "a"));
    }

    [Fact]
    public void What_stands_in_the_way_is_replaced_if_it_is_of_the_same_sort()
    {
        var file = _fs.File(InodeId.Root, "f");
        var old = _fs.File(InodeId.Root, "old");
        _fs.Directory(InodeId.Root, "d");
        var full = _fs.Directory(InodeId.Root, "full");
        _fs.File(full, "x");
        Assert.Equal(FsStatus.IsADirectory, _fs.Rename(InodeId.Root, "f", InodeId.Root, "d"));
        Assert.Equal(FsStatus.NotADirectory, _fs.Rename(InodeId.Root, "d", InodeId.Root, "f"));
        Assert.Equal(FsStatus.NotEmpty, _fs.Rename(InodeId.Root, "d", InodeId.Root, "full"));
        Assert.Equal(FsStatus.AlreadyExists, _fs.Rename(InodeId.Root, "f", InodeId.Root, "old", noReplace: true));
        Assert.Equal(FsStatus.Ok, _fs.Rename(InodeId.Root, "f", InodeId.Root, "old"));
        Assert.Equal((file, false), (_fs.Find(InodeId.Root, "old"), _fs.Exists(old)));
        Assert.Equal(3UL, _fs.Row(InodeId.Root).Entries);
    }

    [Fact]
    public void Two_change_places()
    {
        var a = _fs.Directory(InodeId.Root, "a");
        var b = _fs.Directory(InodeId.Root, "b");
        var file = _fs.File(b, "f");
        Assert.Equal(FsStatus.NotFound, _fs.Rename(InodeId.Root, "a", b, "x", exchange: true));
        Assert.Equal(FsStatus.Ok, _fs.Rename(InodeId.Root, "a", b, "f", exchange: true));
        Assert.Equal((file, a), (_fs.Find(InodeId.Root, "a"), _fs.Find(b, "f")));
        Assert.Equal((b, 3u, 3u), (_fs.Row(a).Parent, _fs.Row(b).Links, _fs.Row(InodeId.Root).Links));
        Assert.Equal(FsStatus.Invalid, _fs.Rename(b, "f", InodeId.Root, "a", noReplace: true, exchange: true));
    }

    /// <summary>POSIX: if both names are of one file, nothing happens.</summary>
    [Fact]
    public void Two_names_of_one_file_stay_as_they_are()
    {
        var file = _fs.File(InodeId.Root, "a");
        Assert.Equal(FsStatus.Ok, _fs.Link(file, InodeId.Root, "b"));
        Assert.Equal(FsStatus.Ok, _fs.Rename(InodeId.Root, "a", InodeId.Root, "b"));
        Assert.Equal((file, file, 2u),
            (_fs.Find(InodeId.Root, "a"), _fs.Find(InodeId.Root, "b"), _fs.Row(file).Links));
    }

    /// <summary>Where two change places, nothing grows but by what the one is larger.</summary>
    [Fact]
    public void Two_change_places_in_quotas_that_are_full()
    {
        var a = _fs.Directory(InodeId.Root, "a");
        var b = _fs.Directory(InodeId.Root, "b");
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(a, inodesMax: 2, bytesMax: 10));
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(b, inodesMax: 2, bytesMax: 10));
        Assert.Equal(FsStatus.Ok, _fs.Allocate(_fs.File(a, "f"), 10));
        Assert.Equal(FsStatus.Ok, _fs.Allocate(_fs.File(b, "g"), 10));
        Assert.Equal(FsStatus.Ok, _fs.Rename(a, "f", b, "g", exchange: true));
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(b, inodesMax: 2, bytesMax: 12));
        Assert.Equal(FsStatus.Ok, _fs.Allocate(_fs.Find(b, "g")!.Value, 2));
        Assert.Equal(FsStatus.QuotaExceeded, _fs.Rename(a, "f", b, "g", exchange: true));
        Assert.Equal((2UL, 10UL, 12UL), (_fs.Quota(a).Inodes, _fs.Quota(a).Bytes, _fs.Quota(b).Bytes));
        _fs.Sound();
    }

    [Fact]
    public void Who_may_rename()
    {
        var open = _fs.Directory(InodeId.Root, "open", 0b111_111_111);
        var sticky = _fs.Directory(InodeId.Root, "tmp", 0b001_111_111_111);
        _fs.Directory(open, "roots");
        _fs.File(sticky, "roots");
        _fs.Caller = Namespace.User(1000, 100);
        _fs.File(open, "mine");
        _fs.File(sticky, "mine");
        Assert.Equal(FsStatus.AccessDenied, _fs.Rename(open, "mine", InodeId.Root, "x"));
        Assert.Equal(FsStatus.NotPermitted, _fs.Rename(sticky, "roots", open, "x"));
        Assert.Equal(FsStatus.NotPermitted, _fs.Rename(sticky, "mine", sticky, "roots"));
        Assert.Equal(FsStatus.Ok, _fs.Rename(sticky, "mine", open, "x"));

        // A directory that goes elsewhere gets another '..', which is a change of it.
        Assert.Equal(FsStatus.AccessDenied, _fs.Rename(open, "roots", sticky, "x"));
        Assert.Equal(FsStatus.Ok, _fs.Rename(open, "roots", open, "y"));
    }
}
