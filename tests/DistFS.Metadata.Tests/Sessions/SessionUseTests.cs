using DistFS.Metadata.Locks;
using DistFS.Metadata.Opens;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Sessions;

/// <summary>No session fills the state with what it has open and locked (POSIX: EMFILE, ENOLCK).</summary>
public sealed class SessionUseTests
{
    private readonly Namespace _fs = new();
    private readonly InodeId _file;

    public SessionUseTests() => _file = _fs.File(InodeId.Root, "f");

    [Fact]
    public void What_is_opened_and_closed_is_counted()
    {
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 1));
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 1, Access.Write));
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "g", open: Namespace.Handle(7, Access.Write)));
        Assert.Equal(2u, _fs.Tree.SessionUse(_fs.Client).Opens);
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, _fs.Release(_file, 1));
        _fs.EndSession(_fs.Client);
        Assert.Equal(1u, _fs.Tree.SessionUse(_fs.Client).Opens);
        _fs.Sound();
        Assert.False(_fs.Collect().More);
        Assert.Equal(0, _fs.Count(RowTable.SessionUse));
        _fs.Sound();
    }

    [Fact]
    public void A_session_opens_so_much_and_no_more()
    {
        _fs.Tree.ChangeUse(_fs.Client, (int)OpenFiles.OpensMax - 1, 0);
        _fs.Keep();
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 1));
        Assert.Equal(FsStatus.TooManyOpenFiles, _fs.Open(_file, 2));
        Assert.Equal(
            FsStatus.TooManyOpenFiles, _fs.Make(InodeId.Root, "g", open: Namespace.Handle(7, Access.Write)));
        Assert.Equal(
            FsStatus.TooManyOpenFiles,
            _fs.Make(InodeId.Root, "f", orExisting: true, open: Namespace.Handle(7, Access.Write)));
        Assert.Null(_fs.Find(InodeId.Root, "g"));

        // What it has it may open with more rights, and another session has its own count.
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 1, Access.Write));
        Assert.Equal(FsStatus.Ok, _fs.Release(_file, 1));
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 2));
        _fs.Client = Namespace.OtherClient;
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 3));
    }

    [Fact]
    public void What_is_locked_and_left_is_counted()
    {
        Open(Namespace.OtherClient);
        Open(new ClientId(1));
        Assert.Equal(FsStatus.Ok, Lock(0, 100));
        Assert.Equal(FsStatus.Ok, Lock(10, 10, LockRequest.Types.Action.Leave));
        Assert.Equal(2u, _fs.Tree.SessionUse(_fs.Client).Locks);
        _fs.Sound();
        _fs.Client = Namespace.OtherClient;
        Assert.Equal(FsStatus.Ok, Lock(0, 5, LockRequest.Types.Action.Wait));
        Assert.Equal(1u, _fs.Tree.SessionUse(_fs.Client).Locks);
        _fs.Client = new ClientId(1);
        Assert.Equal(FsStatus.Ok, Lock(0, 100, LockRequest.Types.Action.Leave));
        Assert.Equal((0u, 1u), (
            _fs.Tree.SessionUse(_fs.Client).Locks, _fs.Tree.SessionUse(Namespace.OtherClient).Locks));
        _fs.Sound();
    }

    [Fact]
    public void A_session_locks_so_much_and_no_more()
    {
        Open(new ClientId(1));
        _fs.Tree.ChangeUse(_fs.Client, 0, LockTable.SessionCountMax - 1);
        _fs.Keep();
        Assert.Equal(FsStatus.Ok, Lock(0, 100));
        Assert.Equal(FsStatus.NoLocks, Lock(200, 1));

        // Two would be left of one.
        Assert.Equal(FsStatus.NoLocks, Lock(10, 10, LockRequest.Types.Action.Leave));
        Assert.Equal(FsStatus.Ok, Lock(0, 10, LockRequest.Types.Action.Leave));
        Assert.Equal(FsStatus.Ok, Lock(0, 100, LockRequest.Types.Action.Leave));
        Assert.Equal(FsStatus.Ok, Lock(200, 1));
    }

    [Fact]
    public void An_inode_has_so_many_locks_however_they_are_cut()
    {
        Open(new ClientId(1));
        Assert.Equal(FsStatus.Ok, Lock(0, 1_000_000));
        var status = FsStatus.Ok;
        for (ulong i = 1; status == FsStatus.Ok && i < 10_000; i++)
        {
            status = Lock(i * 10, 1, LockRequest.Types.Action.Leave);
        }

        Assert.Equal(FsStatus.NoLocks, status);
        Assert.Equal(LockTable.CountMax, _fs.Tree.Locks(_file).Count);
        _fs.Sound();
    }

    private void Open(ClientId client)
    {
        _fs.Client = client;
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 1, Access.Read | Access.Write));
    }

    private FsStatus Lock(
        ulong first, ulong length, LockRequest.Types.Action action = LockRequest.Types.Action.Try) =>
        _fs.Apply(new Operation
        {
            Lock = new LockRequest
            {
                Inode = _file.Value,
                Handle = 1,
                Action = action,
                Kind = (uint)LockKind.Posix,
                Owner = 1,
                Exclusive = true,
                First = first,
                Length = length,
                Number = first,
            },
        });
}
