using DistFS.Metaserver.Tests.Consensus;
using DistFS.Metaserver.Tests.Hosting;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.Locks;

/// <summary>Two sessions and a lock, at metaservers as they ship.</summary>
public sealed class LockServiceTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly HostCluster _cluster = new();
    private MetaClient _one = null!;
    private MetaClient _two = null!;
    private ulong _inode;

    public async Task InitializeAsync()
    {
        await _cluster.StartAsync(0);
        (_one, _two) = (_cluster.Client(1), _cluster.Client(2));
        await _one.OpenSessionAsync();
        await _two.OpenSessionAsync();
        await _one.MakeAsync("file");
        _inode = Assert.Single(await _one.ReadAsync(new ReadOperation
        {
            Lookup = new LookupRequest { Parent = 1, Name = ByteString.CopyFromUtf8("file") },
        })).Attributes.Inode;
        foreach (var client in new[] { _one, _two })
        {
            Assert.Equal(0, Assert.Single(await client.MutateAsync(new Operation
            {
                Caller = MetaClient.Root,
                Open = new OpenRequest { Inode = _inode, Open = new OpenHandle { Handle = 1, Access = 6 } },
            })).Status);
        }
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Who_waits_is_told_when_it_is_his()
    {
        var first = (await LockAsync(_one, LockRequest.Types.Action.Wait, 1)).Lock;
        Assert.True(first.IsGranted);
        Assert.False((await LockAsync(_two, LockRequest.Types.Action.Wait, 2)).Lock.IsGranted);
        await using var channel = new FrameChannel(_cluster.Address(0));
        var told = WaitAsync(channel, _two.Session, 2);
        await Eventually.True(() => _cluster[0].Locks.Count == 1);
        await LockAsync(_one, LockRequest.Types.Action.Leave, 3);
        var reply = await told.Soon();
        Assert.True(reply.IsGranted);
        Assert.True(reply.Token > first.Token);
        Assert.Equal(reply.Token, (await LockAsync(_two, LockRequest.Types.Action.Wait, 2)).Lock.Token);
        Assert.Equal(0, _cluster[0].Locks.Count);
    }

    /// <summary>His request says what is so: it was granted before he asked, or never was there.</summary>
    [Fact]
    public async Task Who_does_not_wait_is_answered_at_once()
    {
        await LockAsync(_one, LockRequest.Types.Action.Wait, 1);
        await using var channel = new FrameChannel(_cluster.Address(0));
        Assert.False((await WaitAsync(channel, _one.Session, 1).Soon()).IsGranted);
        await LockAsync(_two, LockRequest.Types.Action.Wait, 2);
        Assert.False((await WaitAsync(channel, _two.Session, 3).Soon()).IsGranted);
    }

    /// <summary>What ends with the session of whoever had it is granted by a step of the log.</summary>
    [Fact]
    public async Task What_ends_with_a_session_is_told_too()
    {
        await LockAsync(_one, LockRequest.Types.Action.Wait, 1);
        await LockAsync(_two, LockRequest.Types.Action.Wait, 2);
        await using var channel = new FrameChannel(_cluster.Address(0));
        var told = WaitAsync(channel, _two.Session, 2);
        await Eventually.True(() => _cluster[0].Locks.Count == 1);
        await channel.CallAsync(
            MetadataMethods.EndSession, new EndSessionCall { Client = _one.Session }, Eventually.Limit);
        Assert.True((await told.Soon()).IsGranted);
    }

    [Fact]
    public async Task Who_does_not_lead_says_so()
    {
        await _cluster.StartAsync(1, 0);
        await Eventually.True(() => _cluster[1].Node.Progress.Length == 0);
        await using var channel = new FrameChannel(_cluster.Address(1));
        var reply = await WaitAsync(channel, _two.Session, 2).Soon();
        Assert.Equal(ErrorCatalog.NotLeader.Number, reply.Code);
    }

    private async Task<OperationReply> LockAsync(MetaClient client, LockRequest.Types.Action action, ulong number)
    {
        var reply = Assert.Single(await client.MutateAsync(new Operation
        {
            Caller = MetaClient.Root,
            Lock = new LockRequest
            {
                Inode = _inode,
                Handle = 1,
                Action = action,
                Kind = 1,
                Exclusive = true,
                Number = number,
            },
        }));
        Assert.Equal(0, reply.Status);
        return reply;
    }

    private async Task<WaitForLockReply> WaitAsync(FrameChannel channel, ulong session, ulong number) =>
        await channel.CallAsync(
        MetadataMethods.WaitForLock,
        new WaitForLockCall { Client = session, Inode = _inode, Kind = 1, Owner = 1, Number = number },
        Eventually.Limit);
}
