using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>One metaserver as it ships: a folder, a port, clients.</summary>
public sealed class MetaserverHostTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly RpcAddress _address = RpcAddress.Parse(TestMember.FreeAddress());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AnEmptyFolderIsANewClusterThatServes()
    {
        await using var host = await StartAsync();
        await using var client = new MetaClient(5, _address);
        Assert.Equal(0, (await client.OpenSessionAsync()).Status);
        Assert.Equal(FsStatus.Ok, await client.MakeAsync("a"));
        Assert.Equal(FsStatus.AlreadyExists, await client.MakeAsync("a"));
        Assert.Equal(FsStatus.Ok, await client.LookupAsync("a"));
        Assert.Equal(FsStatus.NotFound, await client.LookupAsync("b"));
        Assert.Equal(["a"], await client.ListAsync());
    }

    [Fact]
    public async Task WhatWasAnsweredIsThereAfterAStopAndAStart()
    {
        var names = Enumerable.Range(0, 300).Select(i => $"file {i}").ToList();
        ClusterId cluster;
        await using (var host = await StartAsync())
        {
            cluster = host.Cluster;
            await using var client = new MetaClient(5, _address);
            await client.OpenSessionAsync();
            foreach (var name in names)
            {
                Assert.Equal(FsStatus.Ok, await client.MakeAsync(name));
            }
        }

        await using (var host = await StartAsync())
        {
            Assert.Equal(cluster, host.Cluster);
            await using var client = new MetaClient(6, _address);
            foreach (var entriesMax in new uint[] { 1, 7, 1000 })
            {
                var listed = await client.ListAsync(entriesMax, withAttributes: entriesMax != 7);
                Assert.Equal(names.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public async Task AFolderServesOneProcessOnly()
    {
        await using var host = await StartAsync();
        var error = await Assert.ThrowsAsync<DistFsException>(StartAsync);
        Assert.Equal(ErrorCatalog.StoreLocked, error.Code);
        await using var client = new MetaClient(5, _address);
        Assert.Equal(0, (await client.OpenSessionAsync()).Status);
    }

    [Fact]
    public async Task AnAddressInUseIsToldAndLeavesTheFolderUsable()
    {
        await using (var other = await MetaserverHost.StartAsync(Options("other")))
        {
            var error = await Assert.ThrowsAsync<RpcException>(StartAsync);
            Assert.Equal(ErrorCatalog.ListenFailed, error.Code);
        }

        await using var host = await StartAsync();
        await using var client = new MetaClient(5, _address);
        Assert.Equal(0, (await client.OpenSessionAsync()).Status);
    }

    [Fact]
    public async Task MetadataWithoutItsLogIsRefused()
    {
        await (await StartAsync()).DisposeAsync();
        Directory.Delete(_folder.Sub("m/raft"), recursive: true);
        var error = await Assert.ThrowsAnyAsync<DistFsException>(StartAsync);
        Assert.Equal(ErrorCatalog.StoreWiped, error.Code);
    }

    [Fact]
    public async Task MetadataThatIsLostComesBackFromTheLog()
    {
        await using (var host = await StartAsync())
        {
            await using var client = new MetaClient(5, _address);
            await client.OpenSessionAsync();
            Assert.Equal(FsStatus.Ok, await client.MakeAsync("a"));
        }

        Directory.Delete(_folder.Sub("m/state"), recursive: true);
        await using var again = await StartAsync();
        await using var reader = new MetaClient(6, _address);
        Assert.Equal(["a"], await reader.ListAsync());
    }

    /// <summary>Also after a leader with a clock far ahead, whose times the log has now.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(400)]
    public async Task ASilentClientIsForgottenAndOthersAreNot(int daysAhead)
    {
        await using (await MetaserverHost.StartAsync(Options("m") with { Clock = new ClockAhead(daysAhead) }))
        {
            await using var early = new MetaClient(7, _address);
            await early.OpenSessionAsync();
            Assert.Equal(FsStatus.Ok, await early.MakeAsync("a"));
        }

        await using var host = await StartAsync();
        await using var client = new MetaClient(5, _address);
        await client.OpenSessionAsync(leaseMs: 1000);
        await using var other = new MetaClient(6, _address);
        await other.OpenSessionAsync();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1500));
        var code = 0;
        for (var i = 0; i < 20 && code != ErrorCatalog.SessionEnded.Number; i++)
        {
            // Longer than the lease, since to ask is to be heard of.
            await timer.WaitForNextTickAsync();
            code = (await client.KeepAliveAsync()).Code;
        }

        Assert.Equal(ErrorCatalog.SessionEnded.Number, code);
        Assert.Equal(FsStatus.Ok, await other.MakeAsync("b"));

        // The same call begins another session then, which it finds when it is repeated.
        var (ended, living) = (client.Session, other.Session);
        await client.OpenSessionAsync();
        Assert.NotEqual(ended, client.Session);
        await other.OpenSessionAsync();
        Assert.Equal(living, other.Session);
    }

    /// <summary>However much is asked for, the reply fits a frame; what does not is asked for again.</summary>
    [Fact]
    public async Task AReplyIsBounded()
    {
        await using var host = await StartAsync();
        await using var client = new MetaClient(5, _address);
        await client.OpenSessionAsync();
        var name = ByteString.CopyFromUtf8("user.large");
        var set = Assert.Single(await client.MutateAsync(new Operation
        {
            Caller = MetaClient.Root,
            SetXattr = new SetXattrRequest { Inode = 1, Name = name, Value = ByteString.CopyFrom(new byte[60_000]) },
        }));
        Assert.Equal(0, set.Status);
        var read = new ReadOperation { GetXattr = new GetXattrRequest { Inode = 1, Name = name } };
        var replies = await client.ReadAsync(Enumerable.Repeat(read, 1000));
        Assert.Equal(1000, replies.Length);
        var done = replies.TakeWhile(reply => reply.Status == 0).Count();
        Assert.InRange(done, 10, 20);
        Assert.All(replies[..done], reply => Assert.Equal(60_000, reply.Data.Length));
        Assert.All(replies[done..], reply => Assert.Equal((int)FsStatus.TryAgain, reply.Status));
    }

    [Fact]
    public async Task RequestsOutOfRangeAreRefused()
    {
        await using var host = await StartAsync();
        await using var client = new MetaClient(5, _address);
        Assert.Equal((int)FsStatus.Invalid, (await client.OpenSessionAsync(leaseMs: 1)).Status);
        Assert.Empty(await client.ReadAsync());
        var replies = await client.ReadAsync(
            new ReadOperation(),
            new ReadOperation { Access = new AccessRequest { Inode = 1, Access = 8 } },
            new ReadOperation { GetAttributes = new GetAttributesRequest { Inode = 99 } });
        Assert.Equal(
            [FsStatus.NotImplemented, FsStatus.Invalid, FsStatus.NotFound],
            replies.Select(reply => (FsStatus)reply.Status));
    }

    private Task<MetaserverHost> StartAsync() => MetaserverHost.StartAsync(Options("m"));

    private MetaserverOptions Options(string name) => new()
    {
        DataFolder = _folder.Sub(name),
        Address = _address,
        Timing = TestCluster.Timing,
    };

    private sealed class ClockAhead(int days) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddDays(days);
    }
}
