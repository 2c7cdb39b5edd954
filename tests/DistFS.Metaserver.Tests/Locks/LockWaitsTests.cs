using DistFS.Metadata.Locks;
using DistFS.Metaserver.Locks;
using DistFS.Metaserver.Tests.Consensus;

namespace DistFS.Metaserver.Tests.Locks;

/// <summary>Who is told of which lock.</summary>
public sealed class LockWaitsTests
{
    private static readonly LockOwner Owner = new(new ClientId(7), 3);
    private static readonly LockWaiter Waiter = new(new InodeId(5), LockKind.Posix, Owner, 11);

    private readonly LockWaits _waits = new();

    public static TheoryData<string> Others => ["inode", "kind", "client", "owner", "number"];

    [Fact]
    public async Task Who_waits_is_told_the_token_wherever_he_asked()
    {
        var (first, second) = (_waits.Enter(Waiter), _waits.Enter(Waiter));
        _waits.Granted([Grant(Waiter, token: 99)]);
        Assert.Equal((99UL, 99UL), (await first.Task.Soon(), await second.Task.Soon()));
    }

    [Theory]
    [MemberData(nameof(Others))]
    public void What_another_gets_is_told_to_nobody_else(string what)
    {
        var told = _waits.Enter(Waiter);
        _waits.Granted(
        [
            Grant(
                what switch
                {
                    "inode" => Waiter with { Inode = new InodeId(6) },
                    "kind" => Waiter with { Kind = LockKind.Flock },
                    "client" => Waiter with { Owner = Owner with { Client = new ClientId(8) } },
                    "owner" => Waiter with { Owner = Owner with { Id = 4 } },
                    _ => Waiter with { Number = 12 },
                },
                token: 1),
        ]);
        Assert.False(told.Task.IsCompleted);
    }

    [Fact]
    public void Who_has_left_leaves_nothing()
    {
        var told = _waits.Enter(Waiter);
        Assert.Equal(1, _waits.Count);
        _waits.Leave(Waiter, told);
        _waits.Leave(Waiter, told);
        Assert.Equal(0, _waits.Count);
        _waits.Granted([Grant(Waiter, token: 1)]);
        Assert.False(told.Task.IsCompleted);
    }

    private static LockGrant Grant(LockWaiter who, ulong token) => new(
        who.Inode, new FileLock(who.Kind, who.Owner, true, 0, ulong.MaxValue, token, 0), who.Number);
}
