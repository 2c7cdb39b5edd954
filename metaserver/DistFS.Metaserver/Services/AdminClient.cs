using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.Metaserver.Services;

/// <summary>
/// Asks a cluster about its members, and for changes of them: finds the leader by what others say, and asks again while
/// none leads. Not for many callers at once.
/// </summary>
/// <param name="addresses">Members; any of them will do.</param>
/// <param name="frames">Of the connections.</param>
public sealed class AdminClient(IReadOnlyList<RpcAddress> addresses, FrameOptions? frames = null) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    // A member that is paused must not eat up the time in which another one would answer.
    private static readonly TimeSpan AttemptMax = TimeSpan.FromSeconds(2);

    /// <summary>Nothing was done, or doing it again is harmless, as all here is; another one may answer.</summary>
    private static readonly ErrorCode[] Passing =
    [
        ErrorCatalog.NotLeader, ErrorCatalog.ClusterStarting, ErrorCatalog.ConnectFailed, ErrorCatalog.ConnectionLost,
        ErrorCatalog.DeadlineExceeded, ErrorCatalog.Overloaded, ErrorCatalog.PeerStalled, ErrorCatalog.ShuttingDown,
        ErrorCatalog.Cancelled,
    ];

    private readonly Dictionary<RpcAddress, FrameChannel> _channels = [];

    /// <summary>A metaserver is to be a member.</summary>
    /// <exception cref="RpcException">Refused, or nobody could in that time: then the last answer.</exception>
    public Task<JoinReply> JoinAsync(JoinRequest request, TimeSpan limit, CancellationToken cancellation) =>
        AskLeaderAsync(AdminMethods.Join, request, limit, AttemptMax, static r => (r.Code, r.Leader), cancellation);

    /// <summary>A member is to be one no more.</summary>
    /// <inheritdoc cref="JoinAsync" path="/exception"/>
    public Task<RemoveReply> RemoveAsync(RemoveRequest request, TimeSpan limit, CancellationToken cancellation) =>
        AskLeaderAsync(AdminMethods.Remove, request, limit, limit, static r => (r.Code, r.Leader), cancellation);

    /// <summary>The leadership goes to another member.</summary>
    /// <inheritdoc cref="JoinAsync" path="/exception"/>
    public Task<TransferReply> TransferAsync(TransferRequest request, TimeSpan limit, CancellationToken cancellation) =>
        AskLeaderAsync(AdminMethods.Transfer, request, limit, limit, static r => (r.Code, r.Leader), cancellation);

    /// <summary>A chunk server is to be emptied, or not any more, or is only asked about.</summary>
    /// <inheritdoc cref="JoinAsync" path="/exception"/>
    public Task<DrainReply> DrainAsync(DrainRequest request, TimeSpan limit, CancellationToken cancellation) =>
        AskLeaderAsync(AdminMethods.Drain, request, limit, AttemptMax, static r => (r.Code, r.Leader), cancellation);

    /// <summary>The chunk servers behind one, a page by id.</summary>
    /// <inheritdoc cref="JoinAsync" path="/exception"/>
    public Task<ListServersReply> ServersAsync(uint after, TimeSpan limit, CancellationToken cancellation) =>
        AskLeaderAsync(
            ChunkServersMethods.ListServers,
            new ListServersRequest { After = after },
            limit,
            AttemptMax,
            static r => (r.Answer.Code, r.Answer.Leader),
            cancellation);

    /// <summary>How far repair is.</summary>
    /// <inheritdoc cref="JoinAsync" path="/exception"/>
    public Task<RepairStatusReply> RepairAsync(TimeSpan limit, CancellationToken cancellation) => AskLeaderAsync(
        ChunkServersMethods.RepairStatus,
        new RepairStatusRequest(),
        limit,
        AttemptMax,
        static r => (r.Answer.Code, r.Answer.Leader),
        cancellation);

    /// <summary>What the leader knows; if none is found in that time, what anybody does.</summary>
    /// <inheritdoc cref="JoinAsync" path="/exception"/>
    public async Task<MembersReply> MembersAsync(TimeSpan limit, CancellationToken cancellation)
    {
        MembersReply? any = null;
        try
        {
            return await AskLeaderAsync(
                AdminMethods.Members,
                new MembersRequest(),
                limit,
                AttemptMax,
                reply =>
                {
                    any = reply;
                    var leader = reply.Members.FirstOrDefault(member => member.Member == reply.Leader);
                    return reply.Self == reply.Leader ? (0, null) : (ErrorCatalog.NotLeader.Number,
                        leader == null ? null : new Leader { Member = leader.Member, Address = leader.Address });
                },
                cancellation).ConfigureAwait(false);
        }
        catch (RpcException e) when (any != null && Passing.Contains(e.Code))
        {
            return any;
        }
    }

    /// <summary>What that metaserver knows, whether it leads or not.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="member">Whether this one was removed; zero for nobody.</param>
    /// <param name="timeout">It may take so long.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RpcException">It does not answer.</exception>
    public async Task<MembersReply> AskAsync(
        RpcAddress address, MemberId member, TimeSpan timeout, CancellationToken cancellation) =>
        await ChannelTo(address)
            .CallAsync(AdminMethods.Members, new MembersRequest { Member = member.Value }, timeout, cancellation)
            .ConfigureAwait(false);

    /// <summary>Whether another attempt, now or later, may end better.</summary>
    public static bool IsPassing(ErrorCode code) => Passing.Contains(code);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels.Values)
        {
            await channel.DisposeAsync().ConfigureAwait(false);
        }

        _channels.Clear();
    }

    private FrameChannel ChannelTo(RpcAddress address)
    {
        if (!_channels.TryGetValue(address, out var channel))
        {
            channel = new FrameChannel(address, new FrameChannelOptions { Frames = frames ?? new FrameOptions() });
            _channels.Add(address, channel);
        }

        return channel;
    }

    private async Task<TReply> AskLeaderAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        TimeSpan limit,
        TimeSpan attemptMax,
        Func<TReply, (int Code, Leader? Leader)> look,
        CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        var from = Stopwatch.GetTimestamp();
        var last = new RpcException(ErrorCatalog.NotLeader, "Nobody was asked: the time was over.");
        RpcAddress? hint = null;
        for (var at = 0; limit - Stopwatch.GetElapsedTime(from) is { Ticks: > 0 } left; at++)
        {
            var address = hint ?? addresses[at % addresses.Count];
            hint = null;
            try
            {
                var timeout = left < attemptMax ? left : attemptMax;
                var reply = await ChannelTo(address).CallAsync(method, request, timeout, cancellation)
                    .ConfigureAwait(false);
                var (code, leader) = look(reply);
                if (code == 0)
                {
                    return reply;
                }

                last = new RpcException(ErrorCatalog.NotLeader, $"{address} does not lead"
                    + (leader == null ? ", and knows nobody who does." : $", but {leader.Address}."));
                hint = leader != null && RpcAddress.TryParse(leader.Address, out var named) && named != address
                    ? named : null;
            }
            catch (RpcException e) when (Passing.Contains(e.Code) && !cancellation.IsCancellationRequested)
            {
                last = new RpcException(e.Code, $"{address}: {e.Message}", e, e.Status, e.OutcomeUnknown);
            }

            if (hint == null && (at + 1) % addresses.Count == 0)
            {
                await Task.Delay(Pause, cancellation).ConfigureAwait(false);
            }
        }

        throw last;
    }
}
