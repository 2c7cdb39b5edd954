using DistFS.Metadata.Ops;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, link.</summary>
public sealed class LinkOperationTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void Two_names_of_one_file()
    {
        var file = _fs.File(InodeId.Root, "a");
        var directory = _fs.Directory(InodeId.Root, "d");
        Assert.Equal(FsStatus.Ok, _fs.Link(file, directory, "b"));
        Assert.Equal((2u, _fs.Now), (_fs.Row(file).Links, _fs.Row(file).ChangeTime));
        Assert.Equal(file, _fs.Find(directory, "b"));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "a"));
        Assert.Equal(1u, _fs.Row(file).Links);
    }

    [Fact]
    public void What_cannot_be_linked_and_where()
    {
        var file = _fs.File(InodeId.Root, "a");
        var directory = _fs.Directory(InodeId.Root, "d");
        var orphan = _fs.File(InodeId.Root, "o");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "o"));
        Assert.Equal(FsStatus.NotPermitted, _fs.Link(directory, InodeId.Root, "x"));
        Assert.Equal(FsStatus.AlreadyExists, _fs.Link(file, InodeId.Root, "d"));
        Assert.Equal(FsStatus.NotADirectory, _fs.Link(file, file, "x"));
        Assert.Equal(FsStatus.NotFound, _fs.Link(orphan, InodeId.Root, "x"));
        Assert.Equal(FsStatus.NotFound, _fs.Link(new InodeId(4711), InodeId.Root, "x"));
        Assert.Equal(FsStatus.Invalid, _fs.Link(file, InodeId.Root, ".."));
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "s", InodeKind.SymbolicLink, target: "t"));
        Assert.Equal(FsStatus.Ok, _fs.Link(new InodeId(_fs.Last.Inode), InodeId.Root, "s2"));
    }

    [Fact]
    public void Names_have_a_limit()
    {
        var file = _fs.File(InodeId.Root, "a");
        _fs.Tree.Put(file, _fs.Row(file) with { Links = LinkOperation.LinksMax - 1 });
        _fs.Keep();
        Assert.Equal(FsStatus.Ok, _fs.Link(file, InodeId.Root, "b"));
        Assert.Equal(FsStatus.TooManyLinks, _fs.Link(file, InodeId.Root, "one more"));
        Assert.Equal(LinkOperation.LinksMax, _fs.Row(file).Links);
    }

    [Fact]
    public void Who_may_link()
    {
        var file = _fs.File(InodeId.Root, "a");
        var open = _fs.Directory(InodeId.Root, "open", 0b111_111_111);
        _fs.Caller = Namespace.User(1000, 100);
        Assert.Equal(FsStatus.AccessDenied, _fs.Link(file, InodeId.Root, "b"));
        Assert.Equal(FsStatus.Ok, _fs.Link(file, open, "b"));
    }
}
