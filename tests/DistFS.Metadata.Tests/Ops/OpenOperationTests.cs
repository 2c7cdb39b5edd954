using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, open and close: what is open stays, with a name or without.</summary>
public sealed class OpenOperationTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void What_is_open_stays_until_its_last_close()
    {
        var file = _fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 1));
        _fs.Client = Namespace.OtherClient;
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 1));
        Assert.Equal(2u, _fs.Row(file).Opens);
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "f"));
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, _fs.Release(file, 1));
        Assert.Equal((0u, false), (_fs.Collect().Rows, _fs.Collect().More));
        Assert.Equal(0, _fs.Count(RowTable.Orphan));

        // Who holds it opens it again, by /proc/self/fd.
        _fs.Client = new ClientId(1);
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 2));
        Assert.Equal(FsStatus.Ok, _fs.Release(file, 1));
        Assert.True(_fs.Exists(file));
        Assert.Equal(FsStatus.Ok, _fs.Release(file, 2));
        Assert.False(_fs.Exists(file));
        _fs.Sound();
    }

    [Fact]
    public void Opened_again_under_its_handle_it_is_open_once()
    {
        var file = _fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 5));
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 5, Access.Write));
        Assert.Equal(1u, _fs.Row(file).Opens);
        Assert.True(_fs.Tree.TryGetOpen(file, _fs.Client, 5, out var access));
        Assert.Equal(Access.Read | Access.Write, access);
        Assert.Equal(FsStatus.Ok, _fs.Release(file, 5));
        Assert.Equal(FsStatus.BadHandle, _fs.Release(file, 5));
        Assert.Equal(0u, _fs.Row(file).Opens);
        Assert.Equal((0, 0), (_fs.Count(RowTable.Open), _fs.Count(RowTable.SessionOpen)));
    }

    [Fact]
    public void A_handle_is_its_sessions_own()
    {
        var file = _fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 5));
        _fs.Client = Namespace.OtherClient;
        Assert.Equal(FsStatus.BadHandle, _fs.Release(file, 5));
        Assert.Equal(1u, _fs.Row(file).Opens);
    }

    [Fact]
    public void Who_may_open()
    {
        var file = _fs.File(InodeId.Root, "f", 0b110_100_001);
        _fs.Caller = Namespace.User(7, 0);
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 1));
        Assert.Equal(FsStatus.AccessDenied, _fs.Open(file, 1, Access.Write));
        Assert.Equal(FsStatus.AccessDenied, _fs.Open(file, 1, Access.Read | Access.Write));
        Assert.True(_fs.Tree.TryGetOpen(file, _fs.Client, 1, out var access));
        Assert.Equal(Access.Read, access);
        _fs.Caller = Namespace.User(7, 7);
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 1, Access.Execute));
        Assert.Equal(FsStatus.AccessDenied, _fs.Open(file, 1));
        Assert.Equal(FsStatus.Invalid, _fs.Open(file, 1, Access.None));
        Assert.Equal(FsStatus.Invalid, _fs.Open(file, 1, (Access)8));
        Assert.Equal(FsStatus.Invalid, _fs.Apply(new Operation { Open = new OpenRequest { Inode = file.Value } }));
    }

    [Fact]
    public void What_can_be_opened()
    {
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "l", InodeKind.SymbolicLink, target: "x"));
        Assert.Equal(FsStatus.SymlinkLoop, _fs.Open(new InodeId(_fs.Last.Inode), 1));
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "s", InodeKind.Socket));
        Assert.Equal(FsStatus.NoSuchDevice, _fs.Open(new InodeId(_fs.Last.Inode), 1));
        var directory = _fs.Directory(InodeId.Root, "d");
        Assert.Equal(FsStatus.IsADirectory, _fs.Open(directory, 1, Access.Read | Access.Write));
        Assert.Equal(FsStatus.AccessDenied, _fs.Open(directory, 1, Access.Execute));
        Assert.Equal(FsStatus.Ok, _fs.Open(directory, 1));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "d"));
        _fs.Collect();
        Assert.Equal(FsStatus.NotFound, _fs.Make(directory, "x"));
        Assert.Equal(FsStatus.Ok, _fs.Release(directory, 1));
        _fs.Collect();
        Assert.False(_fs.Exists(directory));
        _fs.Sound();
    }

    /// <summary>A name may lead to another file by now: the kernel looks again at ESTALE.</summary>
    [Fact]
    public void What_is_about_to_go_is_not_opened()
    {
        var file = _fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "f"));
        Assert.Equal(FsStatus.Stale, _fs.Open(file, 1));
        _fs.Collect();
        Assert.Equal(FsStatus.Stale, _fs.Open(file, 1));
    }

    [Fact]
    public void What_is_made_may_be_opened_at_once_whatever_its_mode()
    {
        _fs.Caller = Namespace.User(7, 7);
        Assert.Equal(FsStatus.AccessDenied, _fs.Make(InodeId.Root, "f", open: Write(1)));
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.Set(InodeId.Root, set => set.Mode = 0b111_111_111));
        _fs.Caller = Namespace.User(7, 7);
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "f", mode: 0, open: Write(1)));
        var file = new InodeId(_fs.Last.Inode);
        Assert.True(_fs.Tree.TryGetOpen(file, _fs.Client, 1, out var access));
        Assert.Equal((Access.Write, 1u), (access, _fs.Row(file).Opens));

        // What was there already is opened if its mode says so.
        Assert.Equal(FsStatus.AccessDenied, _fs.Make(InodeId.Root, "f", orExisting: true, open: Write(2)));
        Assert.Equal(FsStatus.Ok, _fs.Set(file, set => set.Mode = 0b010_000_000));
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "f", orExisting: true, open: Write(2)));
        Assert.Equal(2u, _fs.Row(file).Opens);
        Assert.Equal(FsStatus.Invalid, _fs.Make(InodeId.Root, "d", InodeKind.Directory, open: Write(3)));
        Assert.Equal(FsStatus.Invalid, _fs.Make(InodeId.Root, "g", open: Namespace.Handle(3, Access.None)));
        _fs.Sound();
    }

    private static OpenHandle Write(ulong handle) => Namespace.Handle(handle, Access.Write);
}
