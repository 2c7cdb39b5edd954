using System.Collections.Concurrent;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Frames;
using Google.Protobuf;

namespace DistFS.Rpc.Cluster;

/// <summary>How a question to the leader is asked.</summary>
/// <param name="Limit">All attempts together.</param>
/// <param name="AttemptMax">One of them: who is paused must not eat up the time in which another would answer.</param>
/// <param name="Lane">Heartbeats must not wait behind inventories.</param>
public readonly record struct LeaderCall(TimeSpan Limit, TimeSpan AttemptMax, Lane Lane = Lane.Data);

/// <summary>What the leader answered, and when the request that it answered was sent.</summary>
/// <param name="Reply">The answer.</param>
/// <param name="SentMs">Before the attempt that was answered, in milliseconds of the channel's clock.</param>
/// <param name="MayBeDone">An earlier attempt was sent of which no answer came: it may have been executed.</param>
public readonly record struct LeaderReply<TReply>(TReply Reply, long SentMs, bool MayBeDone);

/// <summary>
/// Calls to the metaserver that leads, whichever of several it is: asks on where an answer points, and around while
/// nobody leads. What is asked must be harmless to do twice, as all that clients and chunk servers ask is. Any thread.
/// </summary>
public sealed class LeaderChannel : IAsyncDisposable
{
    /// <summary>Leaders that others named and that were not given; beyond, they are not followed.</summary>
    private const int LearnedMax = 32;

    /// <summary>Two who take each other for the leader are not asked without a pause for ever.</summary>
    private const int HintsInARowMax = 2;

    /// <summary>Another attempt, now or elsewhere, may end better; nothing asked here is harmed by it.</summary>
    private static readonly ErrorCode[] Passing =
    [
        ErrorCatalog.NotLeader, ErrorCatalog.ClusterStarting, ErrorCatalog.ConnectFailed, ErrorCatalog.ConnectionLost,
        ErrorCatalog.DeadlineExceeded, ErrorCatalog.PeerStalled, ErrorCatalog.ShuttingDown, ErrorCatalog.Cancelled,
    ];

    private readonly ConcurrentDictionary<(RpcAddress Address, Lane Lane), Lazy<FrameChannel>> _channels = [];
    private readonly TimeProvider _clock;
    private readonly LeaderChannelOptions _options;
    private readonly FrameOptions _frames;

    // Given ones first; then leaders that were named and that are none of them. Replaced, never changed.
    private volatile RpcAddress[] _addresses;
    private volatile RpcAddress? _leader;

    /// <summary>Nothing is connected before the first call.</summary>
    /// <param name="addresses">Metaservers; any of them will do.</param>
    /// <param name="clock">Whose time the answers name.</param>
    /// <param name="options">Null: the defaults.</param>
    public LeaderChannel(
        IReadOnlyList<RpcAddress> addresses, TimeProvider clock, LeaderChannelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        ArgumentNullException.ThrowIfNull(clock);
        Check.That(addresses.Count > 0);
        (_addresses, _clock, _options) = ([.. addresses], clock, options ?? new LeaderChannelOptions());
        _frames = new FrameOptions
        {
            KeepAliveInterval = TimeSpan.FromSeconds(1),
            KeepAliveTimeout = TimeSpan.FromSeconds(4),
            HandshakeTimeout = TimeSpan.FromSeconds(2),
            Agent = _options.Agent,
        };
    }

    /// <summary>Who answered as the leader last; null before the first time.</summary>
    public RpcAddress? Leader => _leader;

    /// <summary>Milliseconds of a monotonic clock.</summary>
    public static long NowMs(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return (long)clock.GetElapsedTime(0).TotalMilliseconds;
    }

    /// <summary>Whether another attempt may end better.</summary>
    public static bool IsPassing(ErrorCode code) => Passing.Contains(code);

    /// <summary>Asks until one answers as the leader.</summary>
    /// <param name="method">What is asked.</param>
    /// <param name="request">The question.</param>
    /// <param name="answerOf">The part of an answer that says who leads.</param>
    /// <param name="how">For how long.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RpcException">Refused, or nobody did in that time: then the last answer.</exception>
    public async Task<LeaderReply<TReply>> AskAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        Func<TReply, INamesLeader> answerOf,
        LeaderCall how,
        CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        var reply = await CallAsync(method, request, answerOf, how, cancellation).ConfigureAwait(false);
        reply.Reply.Dispose();
        return new LeaderReply<TReply>(reply.Reply.Message, reply.SentMs, reply.MayBeDone);
    }

    /// <summary>As <see cref="AskAsync"/>, of what has a payload: the reply is disposed of by the caller.</summary>
    public async Task<LeaderReply<RpcReply<TReply>>> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        Func<TReply, INamesLeader> answerOf,
        LeaderCall how,
        CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        ArgumentNullException.ThrowIfNull(answerOf);
        var endMs = NowMs(_clock) + (long)how.Limit.TotalMilliseconds;
        RpcException? last = null;
        var next = _leader;
        var (asked, hints, mayBeDone, pause) = (0, 0, false, _options.PauseMin);
        for (long sentMs; (sentMs = NowMs(_clock)) < endMs;)
        {
            var addresses = _addresses;
            var address = next ?? addresses[asked++ % addresses.Length];
            var isBusy = false;
            var timeout = TimeSpan.FromMilliseconds(Math.Max(1, endMs - sentMs));
            next = null;
            try
            {
                var reply = await ChannelTo(address, how.Lane)
                    .CallAsync(
                        method,
                        request,
                        new CallOptions(
                            timeout < how.AttemptMax ? timeout : how.AttemptMax, Cancellation: cancellation))
                    .ConfigureAwait(false);
                var answer = answerOf(reply.Message);
                if (answer.Code != ErrorCatalog.NotLeader.Number && answer.Code != ErrorCatalog.ClusterStarting.Number)
                {
                    _leader = address;
                    return new LeaderReply<RpcReply<TReply>>(reply, sentMs, mayBeDone);
                }

                reply.Dispose();
                last = new RpcException(ErrorCatalog.NotLeader, $"{address} does not lead"
                    + (answer.Leader == null ? ", and knows nobody who does." : $", but {answer.Leader.Address}."));
                next = hints < HintsInARowMax ? Learn(answer.Leader, address) : null;
            }
            catch (RpcException e) when (IsPassing(e.Code, ref isBusy) && !cancellation.IsCancellationRequested)
            {
                // Of one attempt for all: that a later one was not executed says nothing of it.
                mayBeDone |= e.OutcomeUnknown;

                // One that the end of all cut short says less than what was heard before it.
                var isCutShort = e.Code == ErrorCatalog.DeadlineExceeded && timeout < how.AttemptMax;
                last = isCutShort && last != null
                    ? last
                    : new RpcException(e.Code, $"{address}: {e.Message}", e, e.Status, e.OutcomeUnknown);
            }

            hints = next == null ? 0 : hints + 1;
            if (isBusy || (next == null && asked > 0 && asked % addresses.Length == 0))
            {
                next = isBusy ? address : next;
                await PauseAsync(pause, endMs, cancellation).ConfigureAwait(false);
                pause = pause * 2 < _options.PauseMax ? pause * 2 : _options.PauseMax;
            }
        }

        last ??= new RpcException(ErrorCatalog.NotLeader, "Nobody was asked: the time was over.");
        throw mayBeDone && !last.OutcomeUnknown
            ? new RpcException(last.Code, last.Message, last.InnerException, last.Status, outcomeUnknown: true)
            : last;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels.Values)
        {
            if (channel.IsValueCreated)
            {
                await channel.Value.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Somebody named a leader: whom to ask next, null for nobody in particular.</summary>
    private RpcAddress? Learn(Leader? leader, RpcAddress from)
    {
        if (leader == null || !RpcAddress.TryParse(leader.Address, out var named) || named == from)
        {
            return null;
        }

        var known = _addresses;
        if (!known.Contains(named))
        {
            // The members may change while this server runs, until none of those that were given is one.
            if (known.Length >= LearnedMax)
            {
                return null;
            }

            _addresses = [.. known, named];
        }

        return named;
    }

    private bool IsPassing(ErrorCode code, ref bool isBusy)
    {
        isBusy = _options.AsksBusyAgain && code == ErrorCatalog.Overloaded;
        return isBusy || IsPassing(code);
    }

    private FrameChannel ChannelTo(RpcAddress address, Lane lane) =>
        _channels.GetOrAdd(
            (address, lane),
            static (key, frames) => new Lazy<FrameChannel>(
                () => new FrameChannel(key.Address, new FrameChannelOptions
                {
                    Frames = frames with { Lane = key.Lane },
                    RetryDelayMax = TimeSpan.FromMilliseconds(500),
                })),
            _frames).Value;

    /// <summary>With jitter, so that servers that lost their leader at one moment do not ask at one moment.</summary>
    private async Task PauseAsync(TimeSpan pause, long endMs, CancellationToken cancellation)
    {
        var left = TimeSpan.FromMilliseconds(Math.Max(1, endMs - NowMs(_clock)));
        var jittered = pause * (0.5 + (Random.Shared.NextDouble() / 2));
        await Task.Delay(jittered < left ? jittered : left, _clock, cancellation).ConfigureAwait(false);
    }
}
