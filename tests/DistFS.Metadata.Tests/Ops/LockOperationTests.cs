using DistFS.Metadata.Fsck;
using DistFS.Metadata.Locks;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;
using Action = DistFS.Protocol.LockRequest.Types.Action;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>flock (Linux), fcntl (POSIX): who gets a lock, who waits, and when it ends.</summary>
public sealed class LockOperationTests
{
    private const ulong Handle = 1;
    private static readonly ClientId One = new(1);
    private static readonly ClientId Two = Namespace.OtherClient;
    private readonly Namespace _fs = new();
    private readonly InodeId _file;
    private LockReply _reply = new();

    public LockOperationTests()
    {
        _file = _fs.File(InodeId.Root, "f");
        Open(_file);
    }

    [Fact]
    public void Shared_ones_go_together_and_an_exclusive_one_with_nothing()
    {
        Assert.Equal(FsStatus.Ok, Flock(One, 1, exclusive: false));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, exclusive: false));
        Assert.True(_reply.IsGranted);
        Assert.Equal(FsStatus.TryAgain, Flock(One, 2, exclusive: true));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, action: Action.Leave));
        Assert.Equal(FsStatus.Ok, Flock(One, 1, exclusive: true));
        Assert.Equal(FsStatus.TryAgain, Flock(Two, 1, exclusive: false));

        // The other sort knows nothing of it.
        Assert.Equal(FsStatus.Ok, Posix(Two, 9, 0, 0));
        _fs.Sound();
    }

    [Fact]
    public void Tokens_grow_and_asking_again_changes_nothing()
    {
        Assert.Equal(FsStatus.Ok, Flock(One, 1));
        var first = _reply.Token;
        var row = LocksBytes();
        Assert.Equal(FsStatus.Ok, Flock(One, 1));
        Assert.Equal((first, row), (_reply.Token, LocksBytes()));
        Assert.Equal(FsStatus.Ok, Flock(One, 1, action: Action.Leave));
        Assert.Equal(FsStatus.Ok, Flock(One, 1));
        Assert.True(_reply.Token > first);
    }

    [Fact]
    public void Who_waits_gets_it_in_order_and_is_told()
    {
        Assert.Equal(FsStatus.Ok, Flock(One, 1));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, action: Action.Wait, number: 7));
        Assert.False(_reply.IsGranted);
        Assert.Equal(FsStatus.Ok, Flock(Two, 2, exclusive: false, action: Action.Wait, number: 8));
        Assert.Equal(FsStatus.Ok, Flock(Two, 3, exclusive: false, action: Action.Wait, number: 9));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, action: Action.Wait, number: 7));
        _fs.Sound();
        Assert.Empty(_fs.Tree.LockGrants);
        Assert.Equal(FsStatus.Ok, Flock(One, 1, action: Action.Leave));
        Assert.Equal([7UL], Told());
        _fs.Sound();

        Assert.Equal(FsStatus.TryAgain, Flock(One, 1, exclusive: false));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, action: Action.Leave));
        Assert.Equal([8UL, 9], Told());
        Assert.Equal(FsStatus.Ok, Flock(One, 1, exclusive: true, action: Action.Wait, number: 1));
        Assert.Equal(FsStatus.Ok, Flock(One, 1, action: Action.Cancel, number: 1));
        Assert.Equal(FsStatus.NotFound, Flock(One, 1, action: Action.Cancel, number: 1));
        _fs.Sound();
    }

    /// <summary>
    /// As Linux has it: else a program that shares it, and waits for its child that is to share it too, would wait for
    /// ever behind somebody else who wants to be alone.
    /// </summary>
    [Fact]
    public void Who_waits_to_be_alone_keeps_nobody_from_sharing()
    {
        Assert.Equal(FsStatus.Ok, Flock(One, 1, exclusive: false));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, exclusive: true, action: Action.Wait, number: 1));
        Assert.Equal(FsStatus.Ok, Flock(One, 2, exclusive: false));
        Assert.True(_reply.IsGranted);
        Assert.Equal(FsStatus.Ok, Flock(One, 3, exclusive: false, action: Action.Wait, number: 1));
        Assert.True(_reply.IsGranted);
        foreach (var handle in new ulong[] { 1, 2, 3 })
        {
            Assert.Empty(Told());
            Assert.Equal(FsStatus.Ok, Flock(One, handle, action: Action.Leave));
        }

        Assert.Equal([1UL], Told());
        _fs.Sound();
    }

    /// <summary>Who held it alone and shares it lets those in who share, though one who came first waits.</summary>
    [Fact]
    public void Who_waits_is_not_kept_by_who_only_waits()
    {
        Assert.Equal(FsStatus.Ok, Flock(One, 1));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, exclusive: true, action: Action.Wait, number: 1));
        Assert.Equal(FsStatus.Ok, Flock(Two, 2, exclusive: false, action: Action.Wait, number: 2));
        Assert.Equal(FsStatus.Ok, Flock(One, 1, exclusive: false));
        Assert.Equal([2UL], Told());
        _fs.Sound();
    }

    /// <summary>He waits for those who hold it, and not for one who waits for him.</summary>
    [Fact]
    public void Who_wants_more_of_what_he_holds_is_no_deadlock()
    {
        Assert.Equal(FsStatus.Ok, Posix(One, 1, 0, 10, exclusive: false));
        Assert.Equal(FsStatus.Ok, Posix(Two, 3, 0, 10, exclusive: false));
        Assert.Equal(FsStatus.Ok, Posix(Two, 2, 0, 10, action: Action.Wait, number: 2));
        Assert.Equal(FsStatus.Ok, Posix(One, 1, 0, 10, action: Action.Wait, number: 1));
        Assert.Equal(FsStatus.Ok, Posix(Two, 3, 0, 10, action: Action.Leave));
        Assert.Equal([1UL], Told());
        Assert.Equal(FsStatus.Ok, Posix(One, 1, 0, 10, action: Action.Leave));
        Assert.Equal([2UL], Told());
        _fs.Sound();
    }

    /// <summary>flock(2): two that both want more do not wait for each other.</summary>
    [Fact]
    public void Another_sort_is_had_by_leaving_the_one_that_is_held()
    {
        Assert.Equal(FsStatus.Ok, Flock(One, 1, exclusive: false));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, exclusive: false));
        Assert.Equal(FsStatus.Ok, Flock(One, 1, exclusive: true, action: Action.Wait, number: 1));
        Assert.False(_reply.IsGranted);

        // Who holds one alone does not wait behind who waits for him.
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, exclusive: true, action: Action.Wait, number: 2));
        Assert.True(_reply.IsGranted);
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, exclusive: false));
        Assert.True(_reply.IsGranted);
        Assert.Empty(Told());
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, action: Action.Leave));
        Assert.Equal([1UL], Told());
        _fs.Sound();
    }

    [Fact]
    public void Ranges_split_and_change()
    {
        Assert.Equal(FsStatus.Ok, Posix(One, 9, 0, 100));
        Assert.Equal(FsStatus.Ok, Posix(One, 9, 40, 20, exclusive: false));
        Assert.Equal(FsStatus.Ok, Posix(Two, 9, 45, 10, exclusive: false));
        Assert.Equal(FsStatus.TryAgain, Posix(Two, 9, 39, 1, exclusive: false));
        Assert.Equal(FsStatus.TryAgain, Posix(Two, 9, 60, 0, exclusive: false));
        Assert.Equal(FsStatus.Ok, Posix(One, 9, 90, 0, action: Action.Leave));
        Assert.Equal(FsStatus.Ok, Posix(Two, 9, 90, 0));
        Assert.Equal(FsStatus.TryAgain, Posix(Two, 9, 89, 1));
        Assert.Equal(FsStatus.TryAgain, Posix(One, 9, 5000, 1));
        var inTheWay = TestLockRead.Apply(_fs.Reading, _file, new FileLock(
            LockKind.Posix, new LockOwner(Two, 9), true, 0, 10, 0, 0));
        Assert.Equal((0UL, 39UL, 77u), (inTheWay!.Value.First, inTheWay.Value.Last, inTheWay.Value.Process));
        Assert.Null(TestLockRead.Apply(_fs.Reading, _file, new FileLock(
            LockKind.Posix, new LockOwner(Two, 9), false, 50, 50, 0, 0)));
        _fs.Sound();
    }

    [Fact]
    public void Who_would_wait_for_himself_is_refused()
    {
        var other = _fs.File(InodeId.Root, "g");
        Open(other);
        Assert.Equal(FsStatus.Ok, Posix(One, 1, 0, 1));
        Assert.Equal(FsStatus.Ok, Posix(Two, 2, 1, 1));
        Assert.Equal(FsStatus.Ok, Posix(Two, 3, 0, 1, file: other));
        Assert.Equal(FsStatus.Ok, Posix(One, 1, 1, 1, action: Action.Wait, number: 1));
        Assert.Equal(FsStatus.Ok, Posix(Two, 2, 0, 1, action: Action.Wait, number: 2, file: other));
        Assert.False(_reply.IsGranted);

        // 1 waits for 2, who waits for 3, who may not wait for 1.
        Assert.Equal(FsStatus.Deadlock, Posix(Two, 3, 0, 1, action: Action.Wait, number: 3));
        Assert.Equal(FsStatus.TryAgain, Posix(Two, 3, 0, 1));
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, Posix(Two, 3, 0, 1, action: Action.Leave, file: other));
        Assert.Equal([2UL], Told());
        Assert.Equal(FsStatus.Ok, Posix(Two, 3, 0, 1, action: Action.Wait, number: 3));
        Assert.False(_reply.IsGranted);
    }

    [Fact]
    public void They_end_with_the_open_and_with_the_session()
    {
        Assert.Equal(FsStatus.Ok, Flock(One, 2));
        Assert.Equal(FsStatus.Ok, Posix(One, 9, 0, 0));
        Assert.Equal(FsStatus.Ok, Flock(Two, 1, action: Action.Wait, number: 1));
        Assert.Equal(FsStatus.Ok, Posix(Two, 9, 0, 0, action: Action.Wait, number: 2));
        _fs.Client = One;
        Assert.Equal(FsStatus.Ok, _fs.Release(_file, 2));
        Assert.Equal([1UL], Told());
        Assert.Equal(FsStatus.Ok, _fs.Release(_file, 1));
        Assert.Empty(Told());
        Assert.Equal(FsStatus.Ok, _fs.Release(_file, 3));
        Assert.Equal([2UL], Told());
        _fs.Sound();
        Assert.Equal(FsStatus.BadHandle, Flock(One, 1));

        _fs.Client = One;
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 1, Access.Read | Access.Write));
        Assert.Equal(FsStatus.Ok, Flock(One, 1, action: Action.Wait, number: 3));
        _fs.EndSession(Two);
        _fs.Collect();
        Assert.Equal([3UL], Told());
        _fs.Sound();
        _fs.EndSession(One);
        _fs.Collect();
        Assert.Equal((0, 0, 0),
            (_fs.Count(RowTable.Locks), _fs.Count(RowTable.SessionLock), _fs.Count(RowTable.LockWait)));
    }

    [Fact]
    public void What_is_refused()
    {
        _fs.Client = One;
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 4, Access.Read));
        Assert.Equal(FsStatus.BadHandle, Posix(One, 9, 0, 1, handle: 4));
        Assert.Equal(FsStatus.Ok, Posix(One, 9, 0, 1, exclusive: false, handle: 4));
        Assert.Equal(FsStatus.Ok, Flock(One, 4));
        Assert.Equal(FsStatus.BadHandle, Flock(One, 5));
        Assert.Equal(FsStatus.Invalid, Posix(One, 9, 1UL << 63, 0));
        Assert.Equal(FsStatus.Invalid, Posix(One, 9, 0, 0, action: (Action)4));
        for (var i = 1UL; i < LockTable.CountMax - 1; i++)
        {
            Assert.Equal(FsStatus.Ok, Posix(One, 9, 2 * i, 1));
        }

        Assert.Equal(FsStatus.NoLocks, Posix(One, 9, 100_000, 1));
    }

    [Fact]
    public void The_row()
    {
        Assert.Equal(FsStatus.Ok, Posix(One, 9, 1, 2));
        Assert.Equal(FsStatus.Ok, Posix(Two, 8, 2, 0, exclusive: false, action: Action.Wait, number: 5));
        const string Golden = "0100000001000000"
            + "020100004d000000" + "0100000000000000" + "0900000000000000" + "0100000000000000" + "0200000000000000"
            + "0100000000000000"
            + "020000004d000000" + "0200000000000000" + "0800000000000000" + "0200000000000000" + "ffffffffffffffff"
            + "0500000000000000";
        Assert.Equal(Golden, LocksBytes());
        var (held, waiting) = (new List<FileLock>(), new List<FileLock>());
        LocksRow.Read(Convert.FromHexString(Golden), held, waiting);
        Assert.Equal((1, 1), (held.Count, waiting.Count));
        string[] wrongs =
        [
            Golden[2..], "02" + Golden[2..], Golden[..^2], "0100000003000000" + Golden[16..],
            Golden[..16] + "03" + Golden[18..],
        ];
        foreach (var wrong in wrongs)
        {
            Assert.Throws<RowFormatException>(() => LocksRow.Read(Convert.FromHexString(wrong), [], []));
        }
    }

    [Fact]
    public void What_is_wrong_with_locks_is_found()
    {
        var locks = new InodeLocks();
        var one = new FileLock(LockKind.Flock, new LockOwner(One, 1), true, 0, 1, 1, 0);
        locks.Held.Add(one);
        locks.Held.Add(one with { Owner = new LockOwner(new ClientId(99), 1) });
        _fs.Tree.PutLocks(_file, locks);
        _fs.Keep();
        var findings = TreeCheck.Run(_fs.Rows(), 7);
        Assert.Contains(findings, line => line.Contains("that conflict", StringComparison.Ordinal));
        Assert.Contains(findings, line => line.Contains("which it has not open", StringComparison.Ordinal));
        locks.Held.Clear();
        locks.Waiting.Add(one);
        _fs.Tree.PutLocks(_file, locks);
        _fs.Keep();
        Assert.Contains(
            TreeCheck.Run(_fs.Rows(), 7), line => line.Contains("that it may have", StringComparison.Ordinal));
    }

    private void Open(InodeId file)
    {
        foreach (var client in (ClientId[])[One, Two])
        {
            _fs.Client = client;
            for (ulong handle = 1; handle <= 3; handle++)
            {
                Assert.Equal(FsStatus.Ok, _fs.Open(file, handle, Access.Read | Access.Write));
            }
        }
    }

    private FsStatus Flock(
        ClientId client, ulong handle, bool exclusive = true, Action action = Action.Try, ulong number = 0) =>
        Apply(client, new LockRequest
        {
            Inode = _file.Value,
            Handle = handle,
            Kind = 1,
            Exclusive = exclusive,
            Action = action,
            Number = number,
        });

    private FsStatus Posix(
        ClientId client,
        ulong owner,
        ulong first,
        ulong length,
        bool exclusive = true,
        Action action = Action.Try,
        ulong number = 0,
        InodeId? file = null,
        ulong handle = Handle) => Apply(client, new LockRequest
        {
            Inode = (file ?? _file).Value,
            Handle = handle,
            Kind = 2,
            Owner = owner,
            First = first,
            Length = length,
            Exclusive = exclusive,
            Action = action,
            Number = number,
            Process = 77,
        });

    private FsStatus Apply(ClientId client, LockRequest request)
    {
        _fs.Client = client;
        var status = _fs.Apply(new Operation { Lock = request });
        _reply = _fs.Reply.Lock ?? new LockReply();
        return status;
    }

    /// <summary>The numbers of the requests that were granted to who waited.</summary>
    private ulong[] Told()
    {
        ulong[] told = [.. _fs.Tree.LockGrants.Select(grant => grant.Ticket)];
        _fs.Tree.LockGrants.Clear();
        return told;
    }

    private string LocksBytes() => Convert.ToHexStringLower(
        _fs.Rows().Rows.Single(row => row.Key[0] == (byte)RowTable.Locks).Value);
}
