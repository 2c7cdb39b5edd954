using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Acls;

/// <summary>acl(5): lists and permission bits, chmod, what is inherited, who may set them.</summary>
public sealed class AclOperationsTests
{
    private const string AccessName = "system.posix_acl_access";
    private const string DefaultName = "system.posix_acl_default";
    private readonly Namespace _fs = new();
    private readonly InodeId _home;
    private readonly InodeId _file;

    public AclOperationsTests()
    {
        _home = _fs.Directory(InodeId.Root, "home", 0b111_111_111);
        _fs.Caller = Namespace.User(50, 60);
        _file = _fs.File(_home, "f", 0b110_100_000);
    }

    [Fact]
    public void The_mask_is_the_groups_bits()
    {
        Assert.Equal(FsStatus.NoData, _fs.GetXattr(_file, AccessName, out _));
        SetAccess(_file, "u::rw-,u:7:rw-,g::r--,m::rw-,o::---");
        Assert.Equal((0b110_110_000u, _fs.Now), (_fs.Row(_file).Mode, _fs.Row(_file).ChangeTime));
        Assert.True(_fs.Last.HasAccessAcl);
        Assert.Equal([AccessName], _fs.Xattrs(_file));
        Assert.Equal("u::rw-,u:7:rw-,g::r--,m::rw-,o::---", Access(_file));
        Assert.True(May(7, 7, Metadata.Access.Write));
        Assert.False(May(8, 60, Metadata.Access.Write));

        // chmod changes the mask, and leaves what is named and the owning group.
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = 0b111_100_001));
        Assert.Equal("u::rwx,u:7:rw-,g::r--,m::r--,o::--x", Access(_file));
        Assert.False(May(7, 7, Metadata.Access.Write));
        Assert.True(May(7, 7, Metadata.Access.Read));
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = 0b110_111_000));
        Assert.True(May(7, 7, Metadata.Access.Write));
        Assert.False(May(8, 60, Metadata.Access.Write));
    }

    [Fact]
    public void A_list_that_the_bits_can_say_becomes_the_bits()
    {
        SetAccess(_file, "u::rw-,u:7:rw-,g::r--,m::rw-,o::---");
        SetAccess(_file, "u::rwx,g::--x,o::r--");
        Assert.Equal((0b111_001_100u, InodeFlags.None), (_fs.Row(_file).Mode, _fs.Row(_file).Flags));
        Assert.Equal(FsStatus.NoData, _fs.GetXattr(_file, AccessName, out _));
        Assert.Equal(0, _fs.Count(RowTable.Acl));

        // A mask alone is more than the bits.
        SetAccess(_file, "u::rwx,g::rwx,m::r--,o::---");
        Assert.Equal(0b111_100_000u, _fs.Row(_file).Mode);
        Assert.Equal("u::rwx,g::rwx,m::r--,o::---", Access(_file));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_its_list_the_mask_stays_the_groups_bits(bool byRemoval)
    {
        SetAccess(_file, "u::rw-,u:7:rw-,g::---,m::rw-,o::---");
        Assert.Equal(FsStatus.Ok, byRemoval ? _fs.RemoveXattr(_file, AccessName)
            : _fs.SetXattr(_file, AccessName, Convert.FromHexString("02000000")));
        Assert.Equal((0b110_110_000u, InodeFlags.None), (_fs.Row(_file).Mode, _fs.Row(_file).Flags));
        Assert.Equal(0, _fs.Count(RowTable.Acl));
        Assert.True(May(8, 60, Metadata.Access.Write));
    }

    [Fact]
    public void Who_may_set_one()
    {
        var value = AclText.Value("u::rw-,u:7:rw-,g::r--,m::rw-,o::---");
        _fs.Caller = Namespace.User(7, 60);
        Assert.Equal(FsStatus.NotPermitted, _fs.SetXattr(_file, AccessName, value));
        Assert.Equal(FsStatus.NotPermitted, _fs.RemoveXattr(_file, AccessName));
        Assert.Equal(FsStatus.NotPermitted, _fs.SetXattr(_home, DefaultName, value));
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(_file, AccessName, value));
        Assert.Equal(FsStatus.AlreadyExists, _fs.SetXattr(_file, AccessName, value, create: true));
        Assert.Equal(FsStatus.NoData, _fs.SetXattr(_home, AccessName, value, replace: true));
        Assert.Equal(FsStatus.Invalid, _fs.SetXattr(_file, AccessName, value[..^1]));

        // Everybody reads it.
        _fs.Caller = Namespace.User(99, 99);
        Assert.Equal(FsStatus.Ok, _fs.GetXattr(_file, AccessName, out _));
    }

    [Fact]
    public void What_has_none()
    {
        var value = AclText.Value("u::rw-,u:7:rw-,g::r--,m::rw-,o::---");
        Assert.Equal(FsStatus.AccessDenied, _fs.SetXattr(_file, DefaultName, value));
        Assert.Equal(FsStatus.NoData, _fs.GetXattr(_file, DefaultName, out _));
        Assert.Equal(FsStatus.Ok, _fs.Make(_home, "l", InodeKind.SymbolicLink, target: "x"));
        var link = new InodeId(_fs.Last.Inode);
        Assert.Equal(FsStatus.NotSupported, _fs.SetXattr(link, AccessName, value));
        Assert.Equal(FsStatus.NotSupported, _fs.GetXattr(link, AccessName, out _));
    }

    [Fact]
    public void Who_is_not_in_the_group_loses_its_bit()
    {
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Gid = 777));
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = Modes.SetGid | 0b111_111_000));
        SetAccess(_file, "u::rwx,g::r-x,o::---");
        Assert.Equal(Modes.SetGid | 0b111_101_000, _fs.Row(_file).Mode);
        _fs.Caller = Namespace.User(50, 60);
        SetAccess(_file, "u::rwx,g::r-x,o::---");
        Assert.Equal(0b111_101_000u, _fs.Row(_file).Mode);
    }

    [Fact]
    public void The_umask_counts_where_there_is_no_default()
    {
        Assert.Equal(FsStatus.Ok, _fs.Make(_home, "g", mode: 0b110_110_110, umask: 0b000_010_111));
        Assert.Equal(0b110_100_000u, _fs.Last.Mode);
        Assert.Equal(FsStatus.Ok, _fs.Make(_home, "d", InodeKind.Directory, 0b001_111_111_111, umask: 0b111_010_010));
        Assert.Equal(0b001_000_101_101u, _fs.Last.Mode);
        Assert.Equal(FsStatus.Ok, _fs.Make(
            _home, "l", InodeKind.SymbolicLink, 0b111_111_111, target: "x", umask: 0b000_010_010));
        Assert.Equal(0b111_111_111u, _fs.Last.Mode);
    }

    /// <summary>acl(5), object creation and default ACLs.</summary>
    [Fact]
    public void What_is_made_inherits_and_the_umask_counts_for_nothing()
    {
        const string Default = "u::rwx,u:7:rwx,g::r-x,m::rwx,o::r-x";
        var parent = _fs.Directory(_home, "d");
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(parent, DefaultName, AclText.Value(Default)));
        Assert.True(_fs.Last.HasDefaultAcl);
        Assert.Equal(0b111_101_101u, _fs.Row(parent).Mode);
        Assert.Equal([DefaultName], _fs.Xattrs(parent));

        Assert.Equal(FsStatus.Ok, _fs.Make(parent, "f", mode: 0b110_110_100, umask: 0b111_111_111));
        var file = new InodeId(_fs.Last.Inode);
        Assert.Equal("u::rw-,u:7:rwx,g::r-x,m::rw-,o::r--", Access(file));
        Assert.Equal((0b110_110_100u, InodeFlags.AccessAcl), (_fs.Row(file).Mode, _fs.Row(file).Flags));

        Assert.Equal(FsStatus.Ok, _fs.Make(parent, "s", InodeKind.Directory, 0b111_111_111, umask: 0b111_111_111));
        var below = new InodeId(_fs.Last.Inode);
        Assert.Equal("u::rwx,u:7:rwx,g::r-x,m::rwx,o::r-x", Access(below));
        Assert.Equal(FsStatus.Ok, _fs.GetXattr(below, DefaultName, out var value));
        Assert.Equal(Default, AclText.Text(value));
        Assert.Equal(0b111_111_101u, _fs.Row(below).Mode);

        Assert.Equal(FsStatus.Ok, _fs.Make(parent, "l", InodeKind.SymbolicLink, 0b111_111_111, target: "x"));
        Assert.Equal(InodeFlags.None, _fs.Row(new InodeId(_fs.Last.Inode)).Flags);
        _fs.Sound();
    }

    [Fact]
    public void A_default_that_the_bits_can_say_gives_bits()
    {
        var parent = _fs.Directory(_home, "d");
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(parent, DefaultName, AclText.Value("u::rwx,g::r-x,o::---")));
        Assert.Equal(FsStatus.Ok, _fs.Make(parent, "f", mode: 0b110_110_110, umask: 0b000_111_111));
        Assert.Equal((0b110_100_000u, false), (_fs.Last.Mode, _fs.Last.HasAccessAcl));
        Assert.Equal(FsStatus.Ok, _fs.RemoveXattr(parent, DefaultName));
        Assert.Equal(FsStatus.Ok, _fs.Make(parent, "g", mode: 0b110_110_110, umask: 0b000_111_111));
        Assert.Equal(0b110_000_000u, _fs.Last.Mode);
        Assert.Equal(0, _fs.Count(RowTable.Acl));
    }

    [Fact]
    public void Operations_ask_the_list()
    {
        var shared = _fs.Directory(_home, "shared", 0b111_000_000);
        SetAccess(shared, "u::rwx,u:7:-wx,u:8:--x,g::---,m::rwx,o::---");
        _fs.Caller = Namespace.User(7, 7);
        var file = _fs.File(shared, "x");
        Assert.Equal(FsStatus.Ok, _fs.Link(file, shared, "y"));
        Assert.Equal(FsStatus.Ok, _fs.Rename(shared, "y", shared, "z"));
        _fs.Caller = Namespace.User(8, 8);
        Assert.Equal(FsStatus.Ok, _fs.Lookup(shared, "x", out _));
        Assert.Equal(FsStatus.AccessDenied, _fs.Make(shared, "w"));
        Assert.Equal(FsStatus.AccessDenied, _fs.Unlink(shared, "x"));
        _fs.Caller = Namespace.User(9, 60);
        Assert.Equal(FsStatus.AccessDenied, _fs.Lookup(shared, "x", out _));
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.Lookup(shared, "x", out _));
    }

    private void SetAccess(InodeId id, string text) =>
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(id, AccessName, AclText.Value(text)));

    private string Access(InodeId id)
    {
        Assert.Equal(FsStatus.Ok, _fs.GetXattr(id, AccessName, out var value));
        return AclText.Text(value);
    }

    private bool May(uint uid, uint gid, Access access) =>
        Namespace.User(uid, gid).May(_fs.Tree, access, _file, _fs.Row(_file));
}
