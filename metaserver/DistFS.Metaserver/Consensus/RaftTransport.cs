using System.Collections.Immutable;
using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// Messages between members over frames. Each member is reached over two connections: one for appends and pieces of
/// snapshots, one for everything small, so that a large entry is never in front of a heartbeat.
/// </summary>
/// <remarks>
/// Nothing is repeated: what cannot be delivered is lost, and the core hears that the member was unreachable. When a
/// connection ends, the transport knocks: if nobody listens there any more, the core hears that too.
/// </remarks>
public sealed partial class RaftTransport : IRaftTransport, IAsyncDisposable
{
    // Members that wait to be added are answered where they say they listen; nobody can make us remember many.
    private const int StrangersMax = 16;

    private readonly RaftTransportOptions _options;
    private readonly Lock _gate = new();

    /// <summary>Replaced as a whole, with the gate held; read without it.</summary>
    private volatile RaftPeer[] _peers = [];
    private ImmutableHashSet<string> _refused = [];
    private IRaftInbox? _inbox;
    private bool _isDisposed;

    /// <summary>Connects to nobody before <see cref="Follow"/>.</summary>
    public RaftTransport(RaftTransportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>Where received messages go. Until it is set, they are refused.</summary>
    public void DeliverTo(IRaftInbox inbox) => Volatile.Write(ref _inbox, inbox);

    /// <summary>Offers the service that receives.</summary>
    public void AddTo(RpcDispatcher dispatcher)
    {
        ArgumentNullException.ThrowIfNull(dispatcher);
        dispatcher.Handle(RaftMethods.Deliver, Deliver, HandlerScheduling.Inline);
    }

    /// <summary>How long ago that member was heard; null if it was not since this one follows it.</summary>
    public TimeSpan? HeardAgo(MemberId member) =>
        Find(member)?.HeardAt is { } at and not 0 ? Stopwatch.GetElapsedTime(at) : null;

    /// <inheritdoc/>
    public void Send(RaftMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        Find(message.To)?.Add(message);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        foreach (var peer in _peers)
        {
            peer.Flush();
        }
    }

    /// <inheritdoc/>
    public void Follow(RaftConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        List<RaftPeer> gone;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            gone = [.. _peers];
            var next = new List<RaftPeer>();
            foreach (var member in configuration.Members)
            {
                if (member.Id == _options.Self)
                {
                    continue;
                }

                var peer = Find(member.Id);
                if (peer?.Address.ToString() == member.Address)
                {
                    gone.Remove(peer);
                    next.Add(peer);
                }
                else if (TryMake(member.Id, member.Address) is { } made)
                {
                    next.Add(made);
                }
            }

            // While there is no configuration at all, who spoke to us is all we know.
            if (configuration.IsEmpty)
            {
                next.AddRange(gone);
                gone.Clear();
            }

            _peers = [.. next];
        }

        foreach (var peer in gone)
        {
            _ = peer.DisposeAsync().AsTask();
        }
    }

    /// <summary>Gives up what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        RaftPeer[] peers;
        lock (_gate)
        {
            _isDisposed = true;
            peers = _peers;
            _peers = [];
        }

        foreach (var peer in peers)
        {
            await peer.DisposeAsync().ConfigureAwait(false);
        }
    }

    private RaftPeer? Find(MemberId id)
    {
        foreach (var peer in _peers)
        {
            if (peer.Id == id)
            {
                return peer;
            }
        }

        return null;
    }

    private RaftPeer? TryMake(MemberId id, string address)
    {
        if (!RpcAddress.TryParse(address, out var parsed))
        {
            LogAddress(_options.Logger, _options.Self, id, address);
            return null;
        }

        return new RaftPeer(id, parsed, _options, () => Volatile.Read(ref _inbox));
    }

    private ValueTask<DeliverReply> Deliver(DeliverRequest request, ServerCall call)
    {
        var cluster = new ClusterId(new UInt128(request.ClusterHigh, request.ClusterLow));
        var from = new MemberId(request.From);
        if (cluster != _options.Cluster || new MemberId(request.To) != _options.Self)
        {
            throw Refuse(ErrorCatalog.ClusterForeign, call, $"{from} of cluster {cluster} calls for "
                + $"{new MemberId(request.To)}; here is {_options.Self} of cluster {_options.Cluster}.");
        }

        // A copy: what the messages carry becomes part of the log, and the memory goes back when this returns.
        var payload = call.Payload.ToArray();
        if (!MessageBatch.TryRead(payload, out var messages, out var fault))
        {
            throw Refuse(ErrorCatalog.ConsensusVersion, call, $"A message of {from} cannot be read: {fault}.");
        }

        foreach (var message in messages)
        {
            if (message.From != from || message.To != _options.Self)
            {
                throw Refuse(ErrorCatalog.ClusterForeign, call, $"{from} hands over a message of {message.From} for "
                    + $"{message.To}; here is {_options.Self}.");
            }
        }

        MeetStranger(from, request.Address);
        Find(from)?.Heard();
        if (messages.Count > 0 && Volatile.Read(ref _inbox)?.Receive(messages, payload.Length) != true)
        {
            throw new RpcException(ErrorCatalog.Overloaded, $"{_options.Self} has no room for messages now.");
        }

        return new(new DeliverReply());
    }

    private void MeetStranger(MemberId from, string address)
    {
        if (Find(from) != null || address.Length == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (!_isDisposed && Find(from) == null && _peers.Length < RaftConfiguration.MembersMax + StrangersMax
                && TryMake(from, address) is { } made)
            {
                _peers = [.. _peers, made];
            }
        }
    }

    private RpcException Refuse(ErrorCode code, ServerCall call, string reason)
    {
        // Once per reason: a member that is set up wrongly calls ten times a second.
        if (ImmutableInterlocked.Update(
            ref _refused, static (set, text) => set.Count < 64 ? set.Add(text) : set, reason))
        {
            LogRefused(_options.Logger, _options.Self, code.Id, call.Peer, reason);
        }

        return new RpcException(code, reason);
    }
}
