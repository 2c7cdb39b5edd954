using System.Collections.Concurrent;
using System.Threading.Channels;
using DistFS.Client.Cluster;
using DistFS.Client.Leases;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;

namespace DistFS.Client.Tests.Leases;

/// <summary>
/// In place of the metaservers: answers what the test says, when it says so. Sessions begin, and everything is granted,
/// unless it says otherwise.
/// </summary>
internal sealed class ScriptedLeader : IAsyncDisposable
{
    public const ulong Epoch = 5;

    private readonly Channel<WaitForRecallsReply> _news = Channel.CreateUnbounded<WaitForRecallsReply>();
    private readonly RpcDispatcher _dispatcher = new();
    private FrameServer _server;
    private ulong _sessions;
    private ulong _grants;

    public ScriptedLeader()
    {
        Address = RpcAddress.Parse(Metaserver.Tests.Consensus.TestMember.FreeAddress());
        _dispatcher
            .Handle(MetadataMethods.OpenSession, (_, _) => new ValueTask<MetadataReply>(new MetadataReply
            {
                OpenSession = new OpenSessionReply { Client = Interlocked.Increment(ref _sessions) },
            }))
            .Handle(MetadataMethods.EndSession, (call, _) =>
            {
                Heard.Enqueue($"end {call.Client}");
                return new ValueTask<MetadataReply>(new MetadataReply());
            })
            .Handle(MetadataMethods.Mutate, (call, server) => new(OnMutate!(call, server.CancellationToken)))
            .Handle(
                MetadataMethods.WaitForLock,
                (call, server) => new(OnWaitForLock(call, server.CancellationToken)))
            .Handle(LeaseMethods.Acquire, (request, _) => new(OnAcquire!(request)))
            .Handle(LeaseMethods.Release, (request, _) =>
            {
                foreach (var one in request.Released)
                {
                    Heard.Enqueue($"{request.Epoch}: {one.Inode} grant {one.Grant} keep {one.Keep}");
                }

                return new(OnRelease!(request));
            })
            .Handle(LeaseMethods.Reclaim, (request, _) => new(OnReclaim!(request)))
            .Handle(LeaseMethods.WaitForRecalls, async (request, server) =>
            {
                Waits.Enqueue((request.Epoch, request.Seen));
                return await _news.Reader.ReadAsync(server.CancellationToken);
            });
        _server = Start();
        (OnAcquire, OnRelease) = (request => Task.FromResult(Granted(request)), static request => Task.FromResult(
            new ReleaseLeasesReply { Status = Status(request.Epoch) }));
        Tell(Renewed());
    }

    public RpcAddress Address { get; }

    /// <summary>Leases that were given up, and sessions.</summary>
    public ConcurrentQueue<string> Heard { get; } = [];

    /// <summary>Calls for recalls: as of which epoch, and what had been seen.</summary>
    public ConcurrentQueue<(ulong Epoch, ulong Seen)> Waits { get; } = [];

    /// <summary>So many were begun.</summary>
    public ulong Sessions => Volatile.Read(ref _sessions);

    public Func<AcquireLeasesRequest, Task<AcquireLeasesReply>> OnAcquire { get; set; }

    public Func<ReleaseLeasesRequest, Task<ReleaseLeasesReply>> OnRelease { get; set; }

    public Func<ReclaimLeasesRequest, Task<ReclaimLeasesReply>> OnReclaim { get; set; } =
        static request => Task.FromResult(new ReclaimLeasesReply { Status = Status(request.Epoch) });

    public Func<MutateCall, CancellationToken, Task<MetadataReply>> OnMutate { get; set; } =
        static (_, _) => Task.FromResult(Done());

    public Func<WaitForLockCall, CancellationToken, Task<WaitForLockReply>> OnWaitForLock { get; set; } =
        static (_, _) => Task.FromResult(new WaitForLockReply());

    public DistFsClientOptions Options => LeasesOfACluster.Options(Address);

    public static LeaseStatus Status(ulong epoch = Epoch) => new() { Epoch = epoch };

    public static WaitForRecallsReply Renewed(ulong epoch = Epoch) => new() { Status = Status(epoch), Renewed = true };

    public static WaitForRecallsReply Over() => new()
    {
        Status = new LeaseStatus
        {
            Status = (int)ErrorCatalog.SessionEnded.Status,
            Code = ErrorCatalog.SessionEnded.Number,
            Epoch = Epoch,
        },
    };

    public static MetadataReply Refused(ErrorCode code) => new() { Status = (int)code.Status, Code = code.Number };

    public static MetadataReply Done() =>
        new() { Mutate = new MutateReply { Replies = { new OperationReply() } } };

    /// <summary>What the call for recalls is answered next.</summary>
    public void Tell(WaitForRecallsReply news) => _news.Writer.TryWrite(news);

    public void Recall(ulong number, InodeId inode, ulong grant, LeaseMode keep = LeaseMode.None, ulong epoch = Epoch)
    {
        var news = Renewed(epoch);
        news.Recalls.Add(new WaitForRecallsReply.Types.Recall
        {
            Number = number,
            Inode = inode.Value,
            Grant = grant,
            Keep = (uint)keep,
        });
        Tell(news);
    }

    /// <summary>Everything, under grants 1, 2, 3 and so on.</summary>
    public AcquireLeasesReply Granted(AcquireLeasesRequest request, ulong epoch = Epoch)
    {
        var reply = new AcquireLeasesReply { Status = Status(epoch) };
        reply.Granted.Add(request.Wanted.Select(wanted => new AcquireLeasesReply.Types.Granted
        {
            Kind = wanted.Kind,
            Grant = Interlocked.Increment(ref _grants),
        }));
        return reply;
    }

    /// <summary>A session with leases, and the leases.</summary>
    public async Task<(MetadataChannel Channel, ClientSession Session, LeaseClient Leases)> BeginAsync(
        RecordingHolder holder, DistFsClientOptions? options = null)
    {
        options ??= Options;
        var channel = new MetadataChannel(options);
        var session = await ClientSession.OpenAsync(channel, options, usesLeases: true, default).Soon();
        return (channel, session, new LeaseClient(session, channel, options, holder));
    }

    /// <summary>All connections are lost, with what was under way; it begins again at once.</summary>
    public async Task BreakAsync()
    {
        await _server.DisposeAsync();
        _server = Start();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private FrameServer Start() => FrameServer.Start(_dispatcher, new FrameServerOptions
    {
        Listen = [Address],
        HandlersEndWithin = TimeSpan.FromMilliseconds(50),
    });
}
