using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;
using DistFS.Rpc.Frames;

namespace DistFS.Metaserver.Consensus;

/// <summary>The way to one other member: two lanes, each with a connection of its own.</summary>
internal sealed class RaftPeer : IAsyncDisposable
{
    private readonly PeerLane _small;
    private readonly PeerLane _bulk;
    private long _heardAt;

    public RaftPeer(MemberId id, RpcAddress address, RaftTransportOptions options, Func<IRaftInbox?> inbox)
    {
        (Id, Address) = (id, address);
        _small = new PeerLane(this, options, Lane.Priority, inbox);
        _bulk = new PeerLane(this, options, Lane.Data, inbox);
    }

    public MemberId Id { get; }

    public RpcAddress Address { get; }

    /// <summary>When it last sent something, by <see cref="Stopwatch"/>; zero is never.</summary>
    public long HeardAt => Volatile.Read(ref _heardAt);

    public void Heard() => Volatile.Write(ref _heardAt, Stopwatch.GetTimestamp());

    public void Add(RaftMessage message) =>
        (message is AppendRequest { Entries.Count: > 0 } or SnapshotPiece ? _bulk : _small).Add(message);

    public void Flush()
    {
        _small.Flush();
        _bulk.Flush();
    }

    public async ValueTask DisposeAsync()
    {
        await _small.DisposeAsync().ConfigureAwait(false);
        await _bulk.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>
/// Messages of one lane to one member. What is added while calls are on their way goes together with the next call.
/// </summary>
internal sealed class PeerLane : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly RaftPeer _peer;
    private readonly RaftTransportOptions _options;
    private readonly Lane _lane;
    private readonly Func<IRaftInbox?> _inbox;
    private readonly FrameChannel _channel;
    private readonly Knocker _knocker;
    private readonly Queue<MessageBatch> _full = new();
    private readonly Stack<MessageBatch> _free = new();
    private MessageBatch _open = new();
    private long _queuedBytes;
    private int _calls;
    private bool _isFlushing;
    private volatile bool _isReached;
    private volatile bool _isLost;
    private bool _isDisposed;

    public PeerLane(RaftPeer peer, RaftTransportOptions options, Lane lane, Func<IRaftInbox?> inbox)
    {
        (_peer, _options, _lane, _inbox) = (peer, options, lane, inbox);
        _knocker = new Knocker(IsAnsweredAsync);
        _channel = new FrameChannel(peer.Address, new FrameChannelOptions
        {
            Frames = options.Frames with { Lane = lane },
            Tls = options.Tls,
            RetryDelayMax = options.RetryDelayMax,
            OnLost = lane == Lane.Priority ? Knock : null,
            Logger = options.Logger,
        });
    }

    /// <summary>Takes a message in, or loses it.</summary>
    public void Add(RaftMessage message)
    {
        lock (_gate)
        {
            if (_queuedBytes < _options.QueueBytesMax)
            {
                var before = _open.Length;
                _open.Add(message);
                _queuedBytes += _open.Length - before;
                if (_open.Length >= _options.BatchBytesMax)
                {
                    Seal();
                }

                return;
            }
        }

        _inbox()?.Unreachable(_peer.Id);
    }

    /// <summary>
    /// Starts as many calls as may be under way. One thread at a time, or what one took out first another would send
    /// first, and the core takes messages that overtake each other for losses; whoever comes meanwhile leaves what it
    /// added to that one.
    /// </summary>
    public void Flush()
    {
        for (var isOwn = false; TryTake(ref isOwn) is { } batch;)
        {
            _ = DeliverAsync(batch);
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isDisposed = true;
        }

        await _channel.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The next batch to send; null if there is none, or another thread sees to it.</summary>
    /// <param name="isOwn">Whether this thread is the one that flushes.</param>
    private MessageBatch? TryTake(ref bool isOwn)
    {
        lock (_gate)
        {
            if (_isFlushing && !isOwn)
            {
                return null;
            }

            // Together with finding nothing: what is added from here on finds nobody flushing.
            var batch = TakeNext();
            isOwn = _isFlushing = batch != null;
            return batch;
        }
    }

    private MessageBatch? TakeNext()
    {
        // Before it is reached, one at a time: calls that wait for a connection start in any order.
        if (_isDisposed || _calls >= (_isReached ? _options.CallsMax : 1))
        {
            return null;
        }

        if (_full.Count == 0 && _open.Length > 0)
        {
            Seal();
        }

        if (!_full.TryDequeue(out var batch))
        {
            return null;
        }

        _calls++;
        _queuedBytes -= batch.Length;
        return batch;
    }

    private void Seal()
    {
        _full.Enqueue(_open);
        _open = _free.TryPop(out var free) ? free : new MessageBatch();
    }

    private async Task DeliverAsync(MessageBatch batch)
    {
        var (isDelivered, isGone) = (false, false);
        try
        {
            using var reply = await CallAsync(batch.Memory).ConfigureAwait(false);
            isDelivered = true;
            _isReached = true;
            if (_isLost)
            {
                _isLost = false;
                RaftTransport.LogReached(_options.Logger, _options.Self, _peer.Id, _lane);
            }
        }
        catch (Exception e) when (e is RpcException or ObjectDisposedException)
        {
            Lost(e);
            isGone = e is RpcException { Status: FsStatus.ConnectionRefused };
        }

        Done(batch, isDelivered);
        if (isDelivered)
        {
            Flush();
        }
        else if (isGone)
        {
            // Also one that never had a connection there, such as a follower that has just come back.
            _inbox()?.Gone(_peer.Id);
        }
        else
        {
            _inbox()?.Unreachable(_peer.Id);
            Knock();
        }
    }

    private void Done(MessageBatch batch, bool isDelivered)
    {
        lock (_gate)
        {
            _calls--;
            batch.Clear();
            _free.Push(batch);
            if (isDelivered)
            {
                return;
            }

            // What waits was meant for the same moment; the core will say anew what is still wanted.
            while (_full.TryDequeue(out var waiting))
            {
                waiting.Clear();
                _free.Push(waiting);
            }

            _open.Clear();
            _queuedBytes = 0;
        }
    }

    /// <summary>Begins to look whether anybody is left at an address where something was lost.</summary>
    private void Knock()
    {
        if (_lane == Lane.Priority)
        {
            _knocker.Knock();
        }
    }

    /// <summary>Whether a knock tells anything: somebody answers, or nobody listens.</summary>
    private async Task<bool> IsAnsweredAsync()
    {
        try
        {
            using var reply = await CallAsync(ReadOnlyMemory<byte>.Empty).ConfigureAwait(false);
            return true;
        }
        catch (RpcException e)
        {
            Lost(e);
            if (e.Status == FsStatus.ConnectionRefused)
            {
                _inbox()?.Gone(_peer.Id);
                return true;
            }

            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private ValueTask<RpcReply<DeliverReply>> CallAsync(ReadOnlyMemory<byte> messages) => _channel.CallAsync(
        RaftMethods.Deliver,
        new DeliverRequest
        {
            ClusterHigh = (ulong)(_options.Cluster.Value >> 64),
            ClusterLow = (ulong)_options.Cluster.Value,
            From = _options.Self.Value,
            To = _peer.Id.Value,
            Address = _options.Address,
        },
        new CallOptions(_options.CallTimeout, messages));

    private void Lost(Exception error)
    {
        _isReached = false;
        if (!_isLost)
        {
            _isLost = true;
            RaftTransport.LogLost(_options.Logger, _options.Self, _peer.Id, _lane, error.Message);
        }
    }
}
