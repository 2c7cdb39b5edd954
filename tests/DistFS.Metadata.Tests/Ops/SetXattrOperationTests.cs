using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Linux, setxattr, getxattr, listxattr; xattr(7) for who may.</summary>
public sealed class SetXattrOperationTests
{
    private static readonly Principal Owner = Namespace.User(1000, 100);
    private static readonly Principal Stranger = Namespace.User(1001, 101);
    private readonly Namespace _fs = new();
    private readonly InodeId _home;
    private readonly InodeId _file;

    public SetXattrOperationTests()
    {
        _home = _fs.Directory(InodeId.Root, "home", 0b111_111_111);
        _fs.Caller = Owner;
        _file = _fs.File(_home, "f", 0b110_100_100);
    }

    [Fact]
    public void What_is_set_is_read_and_listed()
    {
        Assert.Equal(FsStatus.NoData, _fs.GetXattr(_file, "user.a", out _));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, "user.b", [1, 2, 3]));
        Assert.Equal(_fs.Now, _fs.Row(_file).ChangeTime);
        Assert.True(_fs.Last.HasXattrs);
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, "user.a", []));
        _fs.Flush();
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, "user.b", [4]));
        Assert.Equal(["user.a", "user.b"], _fs.Xattrs(_file));
        Assert.Equal(14u, _fs.Row(_file).XattrNamesBytes);
        Assert.Equal(FsStatus.Ok, _fs.GetXattr(_file, "user.b", out var value));
        Assert.Equal([4], value);
        Assert.Equal(FsStatus.Ok, _fs.GetXattr(_file, "user.a", out value));
        Assert.Empty(value);
        Assert.Empty(_fs.Xattrs(_home));
        Assert.Equal(FsStatus.NotFound, _fs.SetXattr(new InodeId(99), "user.b", []));
        Assert.Equal(FsStatus.NotFound, _fs.GetXattr(new InodeId(99), "user.b", out _));
    }

    [Fact]
    public void Create_and_replace()
    {
        Assert.Equal(FsStatus.NoData, _fs.SetXattr(_file, "user.a", [1], replace: true));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, "user.a", [1], create: true));
        Assert.Equal(FsStatus.AlreadyExists, _fs.SetXattr(_file, "user.a", [2], create: true));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, "user.a", [3], replace: true));
        Assert.Equal(FsStatus.Ok, _fs.GetXattr(_file, "user.a", out var value));
        Assert.Equal([3], value);
    }

    [Theory]
    [InlineData("", FsStatus.OutOfRange)]
    [InlineData("user.", FsStatus.Invalid)]
    [InlineData("trusted.", FsStatus.Invalid)]
    [InlineData("user.a\0b", FsStatus.Invalid)]
    [InlineData("usera", FsStatus.NotSupported)]
    [InlineData("User.a", FsStatus.NotSupported)]
    [InlineData("system.x", FsStatus.NotSupported)]
    [InlineData("system.posix_acl_accesses", FsStatus.NotSupported)]
    [InlineData(".user.a", FsStatus.NotSupported)]
    public void Names(string name, FsStatus expected)
    {
        _fs.Caller = Principal.Root;
        Assert.Equal(expected, _fs.SetXattr(_file, name, []));
        Assert.Equal(expected, _fs.RemoveXattr(_file, name));
        Assert.Equal(expected, _fs.GetXattr(_file, name, out _));
    }

    /// <summary>XATTR_NAME_MAX, XATTR_SIZE_MAX, XATTR_LIST_MAX.</summary>
    [Fact]
    public void Limits()
    {
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, "user." + new string('x', 250), new byte[65_536]));
        Assert.Equal(FsStatus.OutOfRange, _fs.SetXattr(_file, "user." + new string('x', 251), []));
        Assert.Equal(FsStatus.ArgumentTooLong, _fs.SetXattr(_file, "user.a", new byte[65_537]));
        var count = 1;
        for (; _fs.SetXattr(_file, $"user.{count:d250}", []) == FsStatus.Ok; count++)
        {
        }

        // Both lists have room too: 24 and 25 bytes.
        Assert.Equal((65_536 - 24 - 25) / 256, count);
        Assert.Equal(FsStatus.NoSpace, _fs.SetXattr(_file, $"user.{0:d250}", []));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, $"user.{1:d250}", [1]));
        Assert.Equal(FsStatus.Ok, _fs.RemoveXattr(_file, $"user.{1:d250}"));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, $"user.{0:d250}", []));
        Assert.Equal(count, _fs.Xattrs(_file).Length);
    }

    [Fact]
    public void User_attributes_are_for_who_may_read_and_write()
    {
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, "user.a", [1]));
        _fs.Caller = Stranger;
        Assert.Equal(FsStatus.Ok, _fs.GetXattr(_file, "user.a", out _));
        Assert.Equal(FsStatus.AccessDenied, _fs.SetXattr(_file, "user.a", [2]));
        Assert.Equal(FsStatus.AccessDenied, _fs.RemoveXattr(_file, "user.a"));
        _fs.Caller = Owner;
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = 0b110_000_010));
        _fs.Caller = Stranger;
        Assert.Equal(FsStatus.AccessDenied, _fs.GetXattr(_file, "user.a", out _));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, "user.a", [2]));
        Assert.Equal(["user.a"], _fs.Xattrs(_file));
    }

    [Theory]
    [InlineData(InodeKind.SymbolicLink)]
    [InlineData(InodeKind.Fifo)]
    [InlineData(InodeKind.Socket)]
    [InlineData(InodeKind.CharacterDevice)]
    public void User_attributes_are_for_files_and_directories(InodeKind kind)
    {
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.Make(_home, "x", kind, target: kind == InodeKind.SymbolicLink ? "there" : ""));
        var id = new InodeId(_fs.Last.Inode);
        Assert.Equal(FsStatus.NotPermitted, _fs.SetXattr(id, "user.a", []));
        Assert.Equal(FsStatus.NoData, _fs.GetXattr(id, "user.a", out _));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(id, "trusted.a", [1]));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(id, "security.a", [1]));
    }

    [Fact]
    public void In_a_sticky_directory_only_its_owner_sets_its_own()
    {
        _fs.Caller = Principal.Root;
        var sticky = _fs.Directory(InodeId.Root, "tmp", 0b001_111_111_111);
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(sticky, "user.a", []));
        _fs.Caller = Owner;
        Assert.Equal(FsStatus.NotPermitted, _fs.SetXattr(sticky, "user.b", []));
        Assert.Equal(FsStatus.NotPermitted, _fs.RemoveXattr(sticky, "user.a"));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_home, "user.b", []));
    }

    [Fact]
    public void Trusted_is_roots_and_security_is_read_by_all()
    {
        foreach (var name in (string[])["trusted.a", "security.a"])
        {
            _fs.Caller = Owner;
            Assert.Equal(FsStatus.NotPermitted, _fs.SetXattr(_file, name, []));
            Assert.Equal(FsStatus.NotPermitted, _fs.RemoveXattr(_file, name));
            _fs.Caller = Principal.Root;
            Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, name, [1]));
            Assert.Equal(FsStatus.Ok, _fs.GetXattr(_file, name, out _));
        }

        Assert.Equal(["security.a", "trusted.a"], _fs.Xattrs(_file));
        _fs.Caller = Owner;
        Assert.Equal(["security.a"], _fs.Xattrs(_file));
        Assert.Equal(FsStatus.NoData, _fs.GetXattr(_file, "trusted.a", out _));
        Assert.Equal(FsStatus.Ok, _fs.GetXattr(_file, "security.a", out _));
    }
}
