using System.Buffers.Binary;
using System.Diagnostics;
using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Metaserver.Tests.Hosting;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.Leases;

/// <summary>Leases of a metaserver as it ships, over loopback (docs/design/leases.md).</summary>
public sealed class LeaseServiceTests : IDisposable
{
    private const uint Read = 1;
    private const uint Write = 2;
    private const ulong Root = 1;

    private readonly TempFolder _folder = new();
    private readonly RpcAddress _address = RpcAddress.Parse(TestMember.FreeAddress());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AChangeRecallsWhatOthersHaveInTheirCaches()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address);
        await using var other = await LeaseClient.OpenAsync(6, _address);
        var granted = await holder.HaveAsync(Read, Root);
        Assert.Equal((Root, 2u), (granted.Attributes.Inode, granted.Attributes.Links));
        var waiting = holder.RecallAsync();
        var make = other.Meta.MakeAsync("a");
        var recall = await waiting.Soon();
        Assert.Equal((Root, granted.Grant, 0u), (recall.Inode, recall.Grant, recall.Keep));
        Assert.False(make.IsCompleted);
        await holder.ReleaseAsync(recall.Inode, recall.Grant);
        Assert.Equal(FsStatus.Ok, await make.Soon());
        Assert.Equal(1UL, (await holder.HaveAsync(Read, Root)).Attributes.Inode);
    }

    [Fact]
    public async Task AHolderIsNotInItsOwnWay()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address);
        await holder.HaveAsync(Write, Root);
        var told = holder.WaitAsync();
        Assert.Equal(FsStatus.Ok, await holder.Meta.MakeAsync("a"));
        Assert.Equal(FsStatus.Ok, await holder.Meta.LookupAsync("a"));
        Assert.Empty((await told.Soon()).Recalls);
    }

    /// <summary>The inode is not named: it is what the name stands for.</summary>
    [Fact]
    public async Task AnUnlinkRecallsTheLeaseOfWhatItRemoves()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address);
        await using var other = await LeaseClient.OpenAsync(6, _address);
        Assert.Equal(FsStatus.Ok, await other.Meta.MakeAsync("a"));
        var file = await InodeOfAsync(other, "a");
        var granted = await holder.HaveAsync(Write, file);
        var unlink = other.Meta.MutateAsync(new Operation
        {
            Caller = MetaClient.Root,
            Unlink = new UnlinkRequest { Parent = Root, Name = ByteString.CopyFromUtf8("a") },
        });
        var recall = await holder.RecallAsync();
        Assert.Equal((file, granted.Grant), (recall.Inode, recall.Grant));
        Assert.False(unlink.IsCompleted);
        await holder.ReleaseAsync(recall.Inode, recall.Grant);
        Assert.Equal(0, Assert.Single(await unlink.Soon()).Status);
    }

    /// <summary>A look by its name, of a file that somebody else writes: it sees what that one has buffered.</summary>
    [Fact]
    public async Task AReadWaitsForWhatOthersHaveBuffered()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address);
        await using var other = await LeaseClient.OpenAsync(6, _address);
        Assert.Equal(FsStatus.Ok, await other.Meta.MakeAsync("a"));
        var file = await InodeOfAsync(other, "a");
        await holder.HaveAsync(Write, file);
        var lookup = other.Meta.ReadAsync(Lookup("a"));
        var recall = await holder.RecallAsync();
        Assert.Equal((file, Read), (recall.Inode, recall.Keep));
        Assert.False(lookup.IsCompleted);
        var flushed = await holder.Meta.MutateAsync(new Operation
        {
            Caller = MetaClient.Root,
            WriteInline = new WriteInlineRequest { Inode = file, Data = ByteString.CopyFromUtf8("buffered") },
        });
        Assert.Equal(0, Assert.Single(flushed).Status);
        await holder.ReleaseAsync(recall.Inode, recall.Grant, recall.Keep);
        Assert.Equal(8UL, Assert.Single(await lookup.Soon()).Attributes.Size);

        // It reads on, and so does everybody.
        Assert.Equal(8UL, Assert.Single(await other.Meta.ReadAsync(Lookup("a"))).Attributes.Size);
        Assert.Equal(0, Assert.Single((await other.AcquireAsync(0, Read, file)).Granted).Status);
    }

    [Fact]
    public async Task AListingLeavesOutTheAttributesOfWhatOthersWrite()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address);
        Assert.Equal(FsStatus.Ok, await holder.Meta.MakeAsync("a"));
        Assert.Equal(FsStatus.Ok, await holder.Meta.MakeAsync("b"));
        var file = await InodeOfAsync(holder, "a");
        await holder.HaveAsync(Write, file);
        await using var other = await LeaseClient.OpenAsync(6, _address);
        var without = new List<ulong>();
        await other.Meta.CallAsync(
            MetadataMethods.ReadDirectory,
            new ReadDirectoryRequest
            {
                Caller = MetaClient.Root,
                Directory = Root,
                EntriesMax = 100,
                BytesMax = 1 << 16,
                WithAttributes = true,
                Client = other.Meta.Session,
            },
            reply => reply.Code,
            (reply, page) =>
            {
                Assert.Equal(4u, reply.Entries);
                var rest = page.Span;
                while (!rest.IsEmpty)
                {
                    if (rest[17] == 0)
                    {
                        without.Add(BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]));
                    }

                    var nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(rest[18..]);
                    rest = rest[(20 + (rest[17] == 0 ? 0 : 88) + nameBytes)..];
                }
            }).Soon();
        Assert.Equal([file], without);
    }

    [Fact]
    public async Task ASilentHolderIsFencedAndTheOthersGoOn()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address, leaseMs: 1_000);
        await using var other = await LeaseClient.OpenAsync(6, _address);
        await holder.HaveAsync(Write, Root);
        var stopwatch = Stopwatch.StartNew();
        FsStatus made;
        do
        {
            made = await other.Meta.MakeAsync("a").Soon();
        }
        while (made == FsStatus.TryAgain && stopwatch.Elapsed < Eventually.Limit);
        Assert.Equal(FsStatus.Ok, made);
        Assert.InRange(stopwatch.Elapsed, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10));
        Assert.Equal(ErrorCatalog.SessionEnded.Number, (await holder.WaitAsync()).Status.Code);
        Assert.Equal(ErrorCatalog.SessionEnded.Number, (await holder.Meta.KeepAliveAsync()).Code);
    }

    [Fact]
    public async Task WaitingForRecallsKeepsASessionAlive()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address, leaseMs: 1_000);
        await holder.HaveAsync(Write, Root);
        var renewed = 0;
        var stopwatch = Stopwatch.StartNew();
        while (stopwatch.Elapsed < TimeSpan.FromSeconds(3) || renewed < 4)
        {
            Assert.InRange(stopwatch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
            var reply = await holder.WaitAsync();
            Assert.Equal((0, 0), (reply.Status.Status, reply.Recalls.Count));
            renewed += reply.Renewed ? 1 : 0;
        }

        // Three lease times and more; of each, at most eight keep-alives go through the log.
        Assert.InRange(renewed, 4, (8 * stopwatch.Elapsed.TotalSeconds) + 2);
        Assert.Equal(FsStatus.Ok, await holder.Meta.MakeAsync("a"));
    }

    /// <summary>That the leader has heard of a session is no keep-alive: only one that was applied is told.</summary>
    [Fact]
    public async Task TheFirstCallOfASessionRenewsIt()
    {
        await using var host = await StartAsync();
        await using var holder = new LeaseClient(5, _address);
        Assert.Equal(0, (await holder.Meta.OpenSessionAsync(leases: true)).Status);

        // The leader hears of it by this.
        Assert.Equal(0, (await holder.AcquireAsync(0, Read, 99)).Status.Status);
        Assert.True((await holder.WaitAsync()).Renewed);
    }

    [Fact]
    public async Task AfterARestartHoldersReclaimAndTheOthersWaitForThem()
    {
        await using var holder = new LeaseClient(5, _address);
        await using var other = new LeaseClient(6, _address);
        ulong epoch;
        await using (var host = await StartAsync())
        {
            await holder.BeginAsync();
            Assert.Equal(0, (await other.Meta.OpenSessionAsync()).Status);
            await holder.HaveAsync(Write, Root);
            epoch = holder.Epoch;
        }

        await using var again = await StartAsync();
        var make = other.Meta.MakeAsync("a");
        var reply = await holder.WaitAsync();
        Assert.True(reply.Reclaim);
        Assert.True(holder.Epoch > epoch);
        Assert.False(make.IsCompleted);
        var reclaimed = await holder.ReclaimAsync(isDone: true, (Root, Write));
        Assert.Equal((0, 0), (reclaimed.Status.Status, Assert.Single(reclaimed.Reclaimed).Status));
        Assert.False(make.IsCompleted);
        var recall = await holder.RecallAsync();
        Assert.Equal((Root, reclaimed.Reclaimed[0].Grant), (recall.Inode, recall.Grant));
        Assert.Equal(0, (await holder.ReleaseAsync(recall.Inode, recall.Grant)).Status.Status);
        Assert.Equal(FsStatus.Ok, await make.Soon());

        // The grace is over: there is nothing to reclaim any more.
        reclaimed = await holder.ReclaimAsync(isDone: true, (Root, Write));
        Assert.Equal(ErrorCatalog.LeaseEpoch.Number, Assert.Single(reclaimed.Reclaimed).Code);
    }

    [Fact]
    public async Task SessionsWithoutLeasesHoldUpNobodyAndGetNone()
    {
        await using var client = new LeaseClient(5, _address);
        await using (var host = await StartAsync())
        {
            Assert.Equal(0, (await client.Meta.OpenSessionAsync()).Status);
            Assert.Equal(
                ErrorCatalog.LeasesNotDeclared.Number, (await client.AcquireAsync(0, Read, Root)).Status.Code);
            await using var nobody = new LeaseClient(99, _address);
            Assert.Equal(ErrorCatalog.SessionEnded.Number, (await nobody.AcquireAsync(0, Read, Root)).Status.Code);
        }

        await using var again = await StartAsync();
        var stopwatch = Stopwatch.StartNew();
        Assert.Equal(FsStatus.Ok, await client.Meta.MakeAsync("a"));
        Assert.True(stopwatch.Elapsed < TimeSpan.FromSeconds(8), $"{stopwatch.Elapsed}");
    }

    /// <summary>
    /// A client that opens many files at once, one of which another one writes. That "before" is no matter of this
    /// machine's speed: who asked earlier for the lease that is held still waits when the answer is there.
    /// </summary>
    [Fact]
    public async Task WhatIsGrantedIsToldBeforeWhatIsNot()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address);
        await using var other = await LeaseClient.OpenAsync(6, _address);
        await using var patient = await LeaseClient.OpenAsync(7, _address);
        Assert.Equal(FsStatus.Ok, await holder.Meta.MakeAsync("a"));
        var file = await InodeOfAsync(holder, "a");
        await holder.HaveAsync(Write, Root);
        var alone = patient.AcquireAsync(20_000, Read, Root);
        var recall = await holder.RecallAsync();
        Assert.Equal((Root, Read), (recall.Inode, recall.Keep));

        var reply = await other.AcquireAsync(20_000, Read, Root, file);
        Assert.False(alone.IsCompleted);
        Assert.Equal(
            [(FsStatus.TryAgain, ErrorCatalog.LeaseHeld.Number, 0u), (FsStatus.Ok, 0, Read)],
            reply.Granted.Select(granted => ((FsStatus)granted.Status, granted.Code, granted.Kind)));

        // Who asks again, for what is left, waits for the holder.
        var again = other.AcquireAsync(20_000, Read, Root);
        Assert.False(again.IsCompleted);
        await holder.ReleaseAsync(recall.Inode, recall.Grant, recall.Keep);
        Assert.Equal(Read, Assert.Single((await again.Soon()).Granted).Kind);
        Assert.Equal(Read, Assert.Single((await alone.Soon()).Granted).Kind);
    }

    [Fact]
    public async Task ALeaderThatLeadsNoMoreKeepsNoSessionInMind()
    {
        await using var cluster = await new HostCluster().ThreeAsync();
        var leader = cluster[cluster.Leader];
        for (var id = 5UL; id < 8; id++)
        {
            await using var client = await LeaseClient.OpenAsync(id, leader.Address);
        }

        Assert.Equal(3, leader.Leases.SessionsHeard);
        await using var admin = cluster.Admin();
        await admin.TransferAsync(new TransferRequest(), Eventually.Limit, default);
        await Eventually.True(() => !leader.IsLeader && leader.Leases.SessionsHeard == 0);
    }

    [Fact]
    public async Task WhatIsNotThereOrNotFreeIsNotGranted()
    {
        await using var host = await StartAsync();
        await using var holder = await LeaseClient.OpenAsync(5, _address);
        await using var other = await LeaseClient.OpenAsync(6, _address);
        await holder.HaveAsync(Write, Root);
        var reply = await other.AcquireAsync(0, Read, Root, 99);
        Assert.Equal(
            [(FsStatus.TryAgain, ErrorCatalog.LeaseHeld.Number), (FsStatus.NotFound, 0)],
            reply.Granted.Select(granted => ((FsStatus)granted.Status, granted.Code)));
        var old = await other.ReclaimAsync(isDone: false, (Root, Read));
        Assert.Equal(ErrorCatalog.LeaseEpoch.Number, Assert.Single(old.Reclaimed).Code);
    }

    private static ReadOperation Lookup(string name) => new()
    {
        Lookup = new LookupRequest { Parent = Root, Name = ByteString.CopyFromUtf8(name) },
    };

    private static async Task<ulong> InodeOfAsync(LeaseClient client, string name) =>
        Assert.Single(await client.Meta.ReadAsync(Lookup(name))).Attributes.Inode;

    private Task<MetaserverHost> StartAsync() => MetaserverHost.StartAsync(new MetaserverOptions
    {
        DataFolder = _folder.Sub("m"),
        Address = _address,
        Timing = TestCluster.Timing,
    });
}
