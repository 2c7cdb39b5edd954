using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, open (O_CREAT), mkdir, mknod, symlink.</summary>
public sealed class MakeOperationTests
{
    private readonly Namespace _fs = new();

    [Theory]
    [InlineData(InodeKind.File)]
    [InlineData(InodeKind.Directory)]
    [InlineData(InodeKind.Fifo)]
    [InlineData(InodeKind.Socket)]
    [InlineData(InodeKind.CharacterDevice)]
    [InlineData(InodeKind.BlockDevice)]
    public void What_is_made_is_as_it_was_asked_for(InodeKind kind)
    {
        var device = kind is InodeKind.CharacterDevice or InodeKind.BlockDevice ? 0x801UL : 0;
        _fs.Caller = Principal.Root with { Gid = 7 };
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "x", kind, 0b111_000_001, device: device));
        var row = _fs.Row(new InodeId(_fs.Last.Inode));
        var isDirectory = kind == InodeKind.Directory;
        Assert.Equal(
            (kind, 0b111_000_001u, 0u, 7u, isDirectory ? 2u : 1, device),
            (row.Kind, row.Mode, row.Uid, row.Gid, row.Links, row.Device));
        Assert.Equal([_fs.Now], new[] { row.AccessTime, row.ModifyTime, row.ChangeTime, row.BirthTime }.Distinct());
        var root = _fs.Row(InodeId.Root);
        Assert.Equal((1UL, isDirectory ? 3u : 2, _fs.Now), (root.Entries, root.Links, root.ModifyTime));
    }

    [Fact]
    public void A_symbolic_link_has_its_target()
    {
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "l", InodeKind.SymbolicLink, target: "some/where"));
        var id = new InodeId(_fs.Last.Inode);
        Assert.Equal(10, _fs.Row(id).Size);
        Assert.Equal("some/where"u8.ToArray(), _fs.Tree.Content(id));
        Assert.Equal(FsStatus.NotFound, _fs.Make(InodeId.Root, "m", InodeKind.SymbolicLink));
        Assert.Equal(
            FsStatus.NameTooLong,
            _fs.Make(InodeId.Root, "m", InodeKind.SymbolicLink, target: new string('x', 4096)));
        Assert.Equal(FsStatus.Invalid, _fs.Make(InodeId.Root, "m", InodeKind.SymbolicLink, target: "a\0b"));
        Assert.Equal(FsStatus.Invalid, _fs.Make(InodeId.Root, "m", InodeKind.File, target: "x"));
    }

    [Theory]
    [InlineData("", FsStatus.NotFound)]
    [InlineData(".", FsStatus.Invalid)]
    [InlineData("..", FsStatus.Invalid)]
    [InlineData("a/b", FsStatus.Invalid)]
    [InlineData("a\0", FsStatus.Invalid)]
    [InlineData("...", FsStatus.Ok)]
    [InlineData("\u00ff\u0080 \n", FsStatus.Ok)]
    public void Names(string name, FsStatus expected) => Assert.Equal(expected, _fs.Make(InodeId.Root, name));

    [Fact]
    public void A_name_has_255_bytes_at_most()
    {
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, new string('x', 255)));
        Assert.Equal(FsStatus.NameTooLong, _fs.Make(InodeId.Root, new string('x', 256)));
        Assert.NotNull(_fs.Find(InodeId.Root, new string('x', 255)));
    }

    [Fact]
    public void A_name_that_exists_is_an_error_unless_it_may_be_a_file()
    {
        var file = _fs.File(InodeId.Root, "f");
        _fs.Directory(InodeId.Root, "d");
        Assert.Equal(FsStatus.AlreadyExists, _fs.Make(InodeId.Root, "f"));
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "f", orExisting: true));
        Assert.Equal(file.Value, _fs.Last.Inode);
        Assert.Equal(FsStatus.AlreadyExists, _fs.Make(InodeId.Root, "d", orExisting: true));
        Assert.Equal(FsStatus.Invalid, _fs.Make(InodeId.Root, "e", InodeKind.Directory, orExisting: true));
        Assert.Equal(2UL, _fs.Row(InodeId.Root).Entries);
    }

    [Fact]
    public void Where_it_cannot_be_made()
    {
        var file = _fs.File(InodeId.Root, "f");
        var gone = _fs.Directory(InodeId.Root, "d");
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "d"));
        Assert.Equal(FsStatus.NotADirectory, _fs.Make(file, "x"));
        Assert.Equal(FsStatus.NotFound, _fs.Make(new InodeId(4711), "x"));
        Assert.Equal(FsStatus.NotFound, _fs.Make(gone, "x"));
        Assert.Equal(FsStatus.Invalid, _fs.Make(InodeId.Root, "x", (InodeKind)3));
        Assert.Equal(FsStatus.Invalid, _fs.Make(InodeId.Root, "x", mode: 0x1000));
        Assert.Equal(FsStatus.Invalid, _fs.Make(InodeId.Root, "x", device: 1));
    }

    [Fact]
    public void Who_may_make_it()
    {
        var open = _fs.Directory(InodeId.Root, "open", 0b111_111_111);
        var unsearchable = _fs.Directory(InodeId.Root, "w", 0b111_111_010);
        _fs.Caller = Namespace.User(1000, 100);
        Assert.Equal(FsStatus.AccessDenied, _fs.Make(InodeId.Root, "x"));
        Assert.Equal(FsStatus.AlreadyExists, _fs.Make(InodeId.Root, "open"));
        Assert.Equal(FsStatus.AccessDenied, _fs.Make(unsearchable, "x"));
        Assert.Equal(FsStatus.Ok, _fs.Make(open, "x"));
        Assert.Equal((1000u, 100u), (_fs.Last.Uid, _fs.Last.Gid));
        Assert.Equal(FsStatus.NotPermitted, _fs.Make(open, "device", InodeKind.BlockDevice));
        Assert.Equal(FsStatus.Ok, _fs.Make(open, "fifo", InodeKind.Fifo));
    }

    [Fact]
    public void A_set_group_id_directory_gives_its_group()
    {
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "s", InodeKind.Directory, 0b010_111_111_111));
        var shared = new InodeId(_fs.Last.Inode);
        Assert.Equal(FsStatus.Ok, _fs.Set(shared, set => set.Gid = 500));
        _fs.Caller = Namespace.User(1000, 100);
        var below = _fs.Directory(shared, "d");
        Assert.Equal((500u, Modes.SetGid), (_fs.Row(below).Gid, _fs.Row(below).Mode & Modes.SetGid));

        // Who is not in the group makes nothing that runs as it.
        var program = _fs.File(shared, "p", 0b010_111_111_111);
        Assert.Equal((500u, 0u), (_fs.Row(program).Gid, _fs.Row(program).Mode & Modes.SetGid));
        _fs.Caller = Namespace.User(1000, 100, 500);
        program = _fs.File(shared, "q", 0b010_111_111_111);
        Assert.Equal(Modes.SetGid, _fs.Row(program).Mode & Modes.SetGid);
    }
}
