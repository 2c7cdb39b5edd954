using DistFS.Client.Cluster;
using DistFS.Client.Nodes;
using DistFS.Client.Tests.Leases;
using DistFS.Protocol;

namespace DistFS.Client.Tests.Cluster;

/// <summary>Sessions of a client, one after the other.</summary>
public sealed class SessionSourceTests
{
    private readonly TaskCompletionSource<ClientSession> _opened = new();
    private int _openings;

    /// <summary>Nobody leads: who comes later does not wait for those before him to lose patience.</summary>
    [Fact]
    public async Task All_who_need_a_session_wait_for_the_same_one()
    {
        await using var leader = new ScriptedLeader();
        await using var source = Source(leader);
        using var impatient = new CancellationTokenSource();
        var given = source.GetAsync(impatient.Token).AsTask();
        var waiting = Enumerable.Range(0, 8).Select(_ => source.GetAsync(default).AsTask()).ToList();
        await Eventually.True(() => Volatile.Read(ref _openings) == 1);

        // One that gives up gives it up for himself.
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given).Soon();
        Assert.DoesNotContain(waiting, static one => one.IsCompleted);
        _opened.SetException(new DistFsException(ErrorCatalog.NotLeader, "Nobody leads."));
        foreach (var one in waiting)
        {
            var error = await Assert.ThrowsAsync<DistFsException>(() => one).Soon();
            Assert.Equal(ErrorCatalog.NotLeader, error.Code);
        }

        Assert.Equal(1, _openings);
        await Assert.ThrowsAsync<DistFsException>(() => source.GetAsync(default).AsTask()).Soon();
        Assert.Equal(2, _openings);
    }

    [Fact]
    public async Task None_begins_when_the_client_has_ended()
    {
        await using var leader = new ScriptedLeader();
        var source = Source(leader);
        var waiting = source.GetAsync(default).AsTask();
        await Eventually.True(() => Volatile.Read(ref _openings) == 1);
        await source.DisposeAsync().AsTask().Soon();
        await source.DisposeAsync().AsTask().Soon();
        foreach (var late in new[] { waiting, source.GetAsync(default).AsTask() })
        {
            var error = await Assert.ThrowsAsync<DistFsException>(() => late).Soon();
            Assert.Equal(ErrorCatalog.Cancelled, error.Code);
        }

        Assert.Equal(1, _openings);
    }

    /// <summary>It was ended before: nothing was opened, and whoever opens does not mind which session it is.</summary>
    [Fact]
    public async Task Opens_go_on_in_the_next_session()
    {
        await using var leader = new ScriptedLeader();
        await using var nodes = await DistFsNodes.ConnectAsync(leader.Options, new RecordingHolder()).Soon();
        leader.OnMutate = (call, _) => Task.FromResult(
            call.Client == 1 ? ScriptedLeader.Refused(ErrorCatalog.SessionEnded) : ScriptedLeader.Done());
        var open = await nodes.OpenAsync(new InodeId(7), default).Soon();
        Assert.False(open.IsLost);
        var nine = ScriptedLeader.Done();
        nine.Mutate.Replies[0].Attributes = new Attributes { Inode = 9 };
        leader.OnMutate = (call, _) => Task.FromResult(
            call.Client == 2 ? ScriptedLeader.Refused(ErrorCatalog.SessionEnded) : nine);
        var file = new NewNode { Kind = FileKind.File, Mode = 0x1A4 };
        var made = await nodes.CreateAsync(FileIdentity.Root, InodeId.Root, "f"u8.ToArray(), file, 6, default).Soon();
        Assert.Equal((FsStatus.Ok, new InodeId(9)), (made.Reply.Status, made.Open!.Inode));
        Assert.Equal((true, false, 3UL), (open.IsLost, made.Open.IsLost, leader.Sessions));
    }

    private SessionSource Source(ScriptedLeader leader) => new(
        leader.Options,
        cancellation =>
        {
            Interlocked.Increment(ref _openings);
            return _opened.Task.WaitAsync(cancellation);
        },
        static session => session.DisposeAsync());
}
