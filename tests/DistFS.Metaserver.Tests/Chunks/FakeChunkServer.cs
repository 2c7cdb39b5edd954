using System.Collections.Concurrent;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using HeartbeatReply = DistFS.Protocol.HeartbeatReply;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>
/// A chunk server without bytes, which speaks the protocol as a real one must (servers.proto): it registers, beats,
/// does what it is told, and keeps what it has over its own restarts.
/// </summary>
internal sealed class FakeChunkServer : IAsyncDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(3);

    private readonly FrameChannel _leader;
    private readonly FrameServer _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private readonly Dictionary<ulong, CopyResult> _results = [];
    private readonly Func<Task> _onInventory;
    private ulong _position;
    private bool _isDisposed;

    /// <summary>Starts it.</summary>
    /// <param name="leader">Where the metaserver is.</param>
    /// <param name="disk">What it has.</param>
    /// <param name="rack">Where it stands.</param>
    /// <param name="onInventory">Before each page of its inventory is sent: what happens meanwhile.</param>
    public FakeChunkServer(RpcAddress leader, FakeDisk disk, string rack, Func<Task>? onInventory = null)
    {
        _onInventory = onInventory ?? (static () => Task.CompletedTask);
        (Disk, Rack) = (disk, rack);
        Address = RpcAddress.Parse(TestMember.FreeAddress());
        _leader = new FrameChannel(leader);
        var dispatcher = new RpcDispatcher();
        dispatcher.Handle(ChunkServerMethods.Fence, Fence, HandlerScheduling.Inline);
        _listener = FrameServer.Start(dispatcher, new FrameServerOptions { Listen = [Address] });
        _loop = Task.Run(RunAsync);
    }

    public FakeDisk Disk { get; }

    public string Rack { get; }

    public ulong Capacity { get; } = 100UL << 30;

    public RpcAddress Address { get; }

    public uint Id => Disk.Server;

    /// <summary>Copies that it was ever ordered, in order.</summary>
    public ConcurrentQueue<CopyOrder> Ordered { get; } = new();

    /// <summary>Whether it may serve: registered, and its inventory is through.</summary>
    public bool IsServing { get; private set; }

    /// <summary>It beats no more, though it runs.</summary>
    public bool IsMute { get; set; }

    /// <summary>Beats that it did not make since it is mute: after the first none is under way.</summary>
    public int Silences { get; private set; }

    /// <summary>It takes no fences: they time out.</summary>
    public bool IsDeafToFences { get; set; }

    /// <summary>It does not do the copies that it is ordered.</summary>
    public bool IsIdle { get; set; }

    public bool IsFull { get; set; }

    public uint BackWithinMs { get; set; }

    /// <summary>Told with every heartbeat until it is ordered to delete or to make them, by chunk.</summary>
    public ConcurrentDictionary<ulong, LostCopy> Lost { get; } = new();

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _stop.CancelAsync();
        await _loop;
        await _listener.DisposeAsync();
        await _leader.DisposeAsync();
        _stop.Dispose();
    }

    public ValueTask<TReply> CallAsync<TRequest, TReply>(RpcMethod<TRequest, TReply> method, TRequest request)
        where TRequest : class, Google.Protobuf.IMessage<TRequest>, new()
        where TReply : class, Google.Protobuf.IMessage<TReply>, new() =>
        _leader.CallAsync(method, request, CallTimeout);

    private ValueTask<FenceReply> Fence(FenceRequest request, ServerCall call)
    {
        if (IsDeafToFences)
        {
            throw new RpcException(ErrorCatalog.Overloaded, "Not now.");
        }

        if (request.Server != Disk.Server || request.Incarnation != Disk.Incarnation)
        {
            throw new RpcException(ErrorCatalog.ChunkServerRunOver, "Another one.");
        }

        Disk.Fence(request.Fences);
        return new(new FenceReply());
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Beat);
        var isRegistered = false;
        var previous = Disk.Incarnation;
        Disk.Incarnation = BitConverter.ToUInt64(Guid.NewGuid().ToByteArray()) | 1;
        try
        {
            do
            {
                if (IsMute)
                {
                    Silences++;
                    continue;
                }

                try
                {
                    if (!isRegistered)
                    {
                        isRegistered = await RegisterAsync(previous);
                    }
                    else if (!IsServing)
                    {
                        IsServing = await TellAllAsync();
                    }
                    else
                    {
                        isRegistered = await BeatAsync();
                        previous = isRegistered ? previous : Disk.Incarnation;
                        IsServing &= isRegistered;
                    }
                }
                catch (RpcException)
                {
                    // No leader; it is looked for again with the next beat.
                }
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task<bool> RegisterAsync(ulong previous)
    {
        var reply = await CallAsync(ChunkServersMethods.Register, new RegisterServerRequest
        {
            Server = Disk.Server,
            Store = Disk.Store,
            Incarnation = Disk.Incarnation,
            PreviousIncarnation = previous,
            Address = Address.ToString(),
            Rack = Rack,
            CapacityBytes = Capacity,
        });
        if (reply.Answer.Status != 0)
        {
            return false;
        }

        Disk.Server = reply.Server;

        // Of the position it gets with its first beat: what it has is looked at after that.
        return await BeatAsync();
    }

    private async Task<bool> TellAllAsync()
    {
        var request = new InventoryRequest { Server = Id, Incarnation = Disk.Incarnation };
        for (ulong first = 0; ;)
        {
            (request.First, request.Position) = (first, _position);
            request.Copies.Clear();
            request.Copies.Add(Disk.All().Where(copy => copy.Chunk >= first).Take(1_024));
            request.End = request.Copies.Count == 1_024 ? request.Copies[^1].Chunk + 1 : 0;
            await _onInventory();
            var reply = await CallAsync(ChunkServersMethods.Inventory, request);
            if (reply.Answer.Status != 0)
            {
                return false;
            }

            _position = reply.Position;
            foreach (var lost in reply.Lost)
            {
                Lost[lost.Chunk] = lost;
            }

            Disk.Fence(reply.Fences);
            Delete(reply.Deletes);
            if (reply.Next == 0)
            {
                return true;
            }

            first = reply.Next;
        }
    }

    private async Task<bool> BeatAsync()
    {
        var request = new HeartbeatRequest
        {
            Server = Id,
            Incarnation = Disk.Incarnation,
            CapacityBytes = Capacity,
            UsedBytes = Disk.UsedBytes,
            IsFull = IsFull,
            BackWithinMs = BackWithinMs,
            Position = _position,
        };
        request.Results.Add(_results.Values);
        request.Lost.Add(Lost.Values);

        var reply = await CallAsync(ChunkServersMethods.Heartbeat, request);
        if (reply.Answer.Status != 0)
        {
            return true;
        }

        if (reply.IsUnknown)
        {
            return false;
        }

        _position = reply.Position;
        IsServing &= !reply.WantsInventory;
        TakeOrders(reply);
        var deleted = Delete(reply.Deletes);
        if (deleted.Count > 0)
        {
            var confirm = new ConfirmDeletedRequest { Server = Id, Incarnation = Disk.Incarnation };
            confirm.Deleted.Add(deleted);
            await CallAsync(ChunkServersMethods.ConfirmDeleted, confirm);
        }

        return true;
    }

    private void TakeOrders(HeartbeatReply reply)
    {
        if (!reply.KnowsCopies)
        {
            return;
        }

        var wanted = reply.Copies.Select(order => order.Copy).ToHashSet();
        foreach (var ended in _results.Keys.Where(copy => !wanted.Contains(copy)).ToList())
        {
            _results.Remove(ended);
        }

        foreach (var order in reply.Copies)
        {
            if (Ordered.All(other => other.Copy != order.Copy))
            {
                Ordered.Enqueue(order);
                Lost.TryRemove(order.Chunk, out _);
            }

            if (!IsIdle && !_results.ContainsKey(order.Copy))
            {
                Disk.Put(order.Chunk, order.Version, order.Length, order.Copy);
                _results[order.Copy] = new CopyResult
                {
                    Copy = order.Copy,
                    Chunk = order.Chunk,
                    Version = order.Version,
                };
            }
        }
    }

    private List<DeleteOrder> Delete(IEnumerable<DeleteOrder> orders)
    {
        var deleted = new List<DeleteOrder>();
        foreach (var order in orders)
        {
            Disk.Delete(order);
            Lost.TryRemove(order.Chunk, out _);
            deleted.Add(order);
        }

        return deleted;
    }
}

/// <summary>What a chunk server keeps when it is stopped.</summary>
internal sealed class FakeDisk(ulong store)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<ulong, (uint Version, uint Length, ulong Copy)> _copies = [];

    public ulong Store { get; } = store;

    public uint Server { get; set; }

    public ulong Incarnation { get; set; }

    public ulong UsedBytes
    {
        get
        {
            lock (_gate)
            {
                return (ulong)_copies.Values.Sum(copy => copy.Length);
            }
        }
    }

    public List<StoredCopy> All()
    {
        lock (_gate)
        {
            return [.. _copies.Select(copy => new StoredCopy
            {
                Chunk = copy.Key,
                Version = copy.Value.Version,
                Length = copy.Value.Length,
            })];
        }
    }

    public (uint Version, uint Length)? Find(ulong chunk)
    {
        lock (_gate)
        {
            return _copies.TryGetValue(chunk, out var copy) ? (copy.Version, copy.Length) : null;
        }
    }

    /// <summary>What was written, or copied by an order.</summary>
    public void Put(ulong chunk, uint version, uint length, ulong copy = 0)
    {
        lock (_gate)
        {
            _copies[chunk] = (version, length, copy);
        }
    }

    /// <summary>The disk loses it.</summary>
    public void Lose(ulong chunk)
    {
        lock (_gate)
        {
            _copies.Remove(chunk);
        }
    }

    /// <summary>Nothing newer than the order, and nothing that came by a later order to copy.</summary>
    public void Delete(DeleteOrder order)
    {
        lock (_gate)
        {
            if (_copies.TryGetValue(order.Chunk, out var copy) && (copy.Version < order.Version
                || (copy.Version == order.Version && (order.Copy == 0 || copy.Copy <= order.Copy))))
            {
                _copies.Remove(order.Chunk);
            }
        }
    }

    public void Fence(IEnumerable<ChunkFence> fences)
    {
        lock (_gate)
        {
            foreach (var fence in fences)
            {
                if (_copies.TryGetValue(fence.Chunk, out var copy) && copy.Version < fence.Version)
                {
                    _copies[fence.Chunk] = (fence.Version, Math.Min(copy.Length, fence.Length), copy.Copy);
                }
            }
        }
    }
}
