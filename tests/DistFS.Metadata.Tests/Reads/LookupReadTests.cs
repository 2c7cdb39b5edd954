using System.Buffers;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Reads;

/// <summary>POSIX, pathname resolution, stat, readlink, access.</summary>
public sealed class LookupReadTests
{
    private readonly Namespace _fs = new();
    private readonly InodeId _directory;
    private readonly InodeId _file;

    public LookupReadTests()
    {
        _directory = _fs.Directory(InodeId.Root, "d", 0b111_101_100);
        _file = _fs.File(_directory, "f", 0b110_100_000);
    }

    [Fact]
    public void A_name_leads_to_its_inode()
    {
        Assert.Equal(FsStatus.Ok, LookupRead.Apply(_fs.Reading, _directory, "f"u8, out var id, out var inode));
        Assert.Equal((_file, _fs.Row(_file)), (id, inode));
        Assert.Equal((FsStatus.Ok, _directory), (_fs.Lookup(_directory, ".", out id), id));
        Assert.Equal((FsStatus.Ok, InodeId.Root), (_fs.Lookup(_directory, "..", out id), id));
        Assert.Equal((FsStatus.Ok, InodeId.Root), (_fs.Lookup(InodeId.Root, "..", out id), id));
    }

    [Fact]
    public void What_leads_nowhere()
    {
        Assert.Equal(FsStatus.NotFound, _fs.Lookup(_directory, "x", out _));
        Assert.Equal(FsStatus.NotFound, _fs.Lookup(new InodeId(99), "x", out _));
        Assert.Equal(FsStatus.NotADirectory, _fs.Lookup(_file, "x", out _));
        Assert.Equal(FsStatus.NameTooLong, _fs.Lookup(_directory, new string('x', 256), out _));
        Assert.Equal(FsStatus.Invalid, _fs.Lookup(_directory, "a/b", out _));
    }

    [Fact]
    public void Who_may_not_search_finds_nothing()
    {
        _fs.Caller = Namespace.User(7, 7);
        Assert.Equal(FsStatus.AccessDenied, _fs.Lookup(_directory, "f", out _));
        Assert.Equal(FsStatus.AccessDenied, _fs.Lookup(_directory, ".", out _));

        // Who has the inode may see it.
        Assert.Equal(FsStatus.Ok, GetAttributesRead.Apply(_fs.Reading, _file, out var inode));
        Assert.Equal(_fs.Row(_file), inode);
        Assert.Equal(FsStatus.NotFound, GetAttributesRead.Apply(_fs.Reading, new InodeId(99), out _));
    }

    [Fact]
    public void The_target_of_a_link()
    {
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "l", InodeKind.SymbolicLink, target: "some/where"));
        var target = new ArrayBufferWriter<byte>();
        Assert.Equal(FsStatus.Ok, ReadLinkRead.Apply(_fs.Reading, new InodeId(_fs.Last.Inode), target));
        Assert.Equal("some/where"u8.ToArray(), target.WrittenSpan.ToArray());
        Assert.Equal(FsStatus.Invalid, ReadLinkRead.Apply(_fs.Reading, _file, target));
        Assert.Equal(FsStatus.NotFound, ReadLinkRead.Apply(_fs.Reading, new InodeId(99), target));
    }

    [Theory]
    [InlineData(0, 0, Access.Read | Access.Write, FsStatus.Ok)]
    [InlineData(0, 0, Access.Execute, FsStatus.AccessDenied)]
    [InlineData(7, 0, Access.Read, FsStatus.Ok)]
    [InlineData(7, 0, Access.Read | Access.Write, FsStatus.AccessDenied)]
    [InlineData(7, 7, Access.None, FsStatus.Ok)]
    [InlineData(7, 7, Access.Read, FsStatus.AccessDenied)]
    public void Who_might(uint uid, uint gid, Access access, FsStatus expected)
    {
        _fs.Caller = Namespace.User(uid, gid);
        Assert.Equal(expected, AccessRead.Apply(_fs.Reading, _file, access));
        Assert.Equal(FsStatus.NotFound, AccessRead.Apply(_fs.Reading, new InodeId(99), access));
    }
}
