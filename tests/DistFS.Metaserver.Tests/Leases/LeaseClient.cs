using DistFS.Metaserver.Tests.Hosting;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Metaserver.Tests.Leases;

/// <summary>A client with leases, that answers recalls when it is told to.</summary>
internal sealed class LeaseClient(ulong nonce, RpcAddress address) : IAsyncDisposable
{
    // Waiting for recalls, and everything else, at the same time.
    private readonly MetaClient _waiting = new(nonce, address);
    private ulong _seen;

    public MetaClient Meta { get; } = new(nonce, address);

    public ulong Epoch { get; private set; }

    public static async Task<LeaseClient> OpenAsync(ulong nonce, RpcAddress address, ulong leaseMs = 60_000)
    {
        var client = new LeaseClient(nonce, address);
        await client.BeginAsync(leaseMs);
        return client;
    }

    public async Task BeginAsync(ulong leaseMs = 60_000)
    {
        Assert.Equal(0, (await Meta.OpenSessionAsync(leaseMs, leases: true)).Status);

        // A leader that has only begun cannot know that this session is new, and waits for it.
        if ((await WaitAsync()).Reclaim)
        {
            Assert.Equal(0, (await ReclaimAsync(isDone: true)).Status.Status);
        }
    }

    public async Task<AcquireLeasesReply> AcquireAsync(uint waitMs, uint kind, params ulong[] inodes)
    {
        var request = new AcquireLeasesRequest { Client = Meta.Session, WaitMs = waitMs };
        request.Wanted.Add(inodes.Select(inode => new AcquireLeasesRequest.Types.Wanted
        {
            Inode = inode,
            Kind = kind,
        }));
        var reply = await Meta.CallAsync(LeaseMethods.Acquire, request, reply => reply.Status.Code);
        Epoch = reply.Status.Epoch;
        return reply;
    }

    public async Task<AcquireLeasesReply.Types.Granted> HaveAsync(uint kind, ulong inode)
    {
        var reply = await AcquireAsync(5_000, kind, inode);
        Assert.Equal(0, reply.Status.Status);
        var granted = Assert.Single(reply.Granted);
        Assert.Equal((0, kind), (granted.Status, granted.Kind));
        return granted;
    }

    public async Task<WaitForRecallsReply> WaitAsync()
    {
        var reply = await _waiting.CallAsync(
            LeaseMethods.WaitForRecalls,
            new WaitForRecallsRequest { Client = Meta.Session, Epoch = Epoch, Seen = _seen },
            reply => reply.Status.Code);
        Epoch = reply.Status.Epoch;
        _seen = reply.Recalls.Count == 0 ? _seen : reply.Recalls[^1].Number;
        return reply;
    }

    /// <summary>Waits until something is recalled.</summary>
    public async Task<WaitForRecallsReply.Types.Recall> RecallAsync()
    {
        for (var i = 0; i < 100; i++)
        {
            var reply = await WaitAsync();
            Assert.Equal(0, reply.Status.Status);
            if (reply.Recalls.Count > 0)
            {
                return Assert.Single(reply.Recalls);
            }
        }

        throw new TimeoutException("Nothing was recalled.");
    }

    public Task<ReleaseLeasesReply> ReleaseAsync(ulong inode, ulong grant, uint keep = 0) => Meta.CallAsync(
        LeaseMethods.Release,
        new ReleaseLeasesRequest
        {
            Client = Meta.Session,
            Epoch = Epoch,
            Released = { new ReleaseLeasesRequest.Types.Released { Inode = inode, Grant = grant, Keep = keep } },
        },
        reply => reply.Status.Code);

    public async Task AnswerAsync()
    {
        var recall = await RecallAsync();
        await ReleaseAsync(recall.Inode, recall.Grant, recall.Keep);
    }

    public Task<ReclaimLeasesReply> ReclaimAsync(bool isDone, params (ulong Inode, uint Kind)[] held)
    {
        var request = new ReclaimLeasesRequest { Client = Meta.Session, Epoch = Epoch, Done = isDone };
        request.Held.Add(held.Select(one => new ReclaimLeasesRequest.Types.Held
        {
            Inode = one.Inode,
            Kind = one.Kind,
        }));
        return Meta.CallAsync(LeaseMethods.Reclaim, request, reply => reply.Status.Code);
    }

    public async ValueTask DisposeAsync()
    {
        await Meta.DisposeAsync();
        await _waiting.DisposeAsync();
    }
}
