using System.Buffers;
using DistFS.Primitives;
using DistFS.Rpc;
using Google.Protobuf;

namespace DistFS.Simulation.Chains;

/// <summary>A call on its way there and back.</summary>
internal sealed class WireCall<TRequest, TReply>(
    Wire wire,
    SimulatedProcess from,
    string address,
    RpcMethod<TRequest, TReply> method,
    TRequest request,
    CallOptions options)
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    /// <summary>A peer that is silent for so long is given up.</summary>
    private const long SilenceMicroseconds = 2_000_000;

    private const long LookMicroseconds = 250_000;

    private readonly TaskCompletionSource<RpcReply<TReply>> _done = new();

    // The caller gets its memory back when the call ends, which may be before it arrives.
    private readonly byte[] _payload = options.Payload.ToArray();
    private readonly long _deadline = wire.World.Queue.Now + (long)options.Timeout.TotalMicroseconds;
    private CancellationTokenRegistration _cancellation;
    private SimulatedProcess? _to;
    private WireServerCall? _serving;

    /// <summary>Ends with the call.</summary>
    public Task<RpcReply<TReply>> Task => _done.Task;

    /// <summary>Sends it.</summary>
    public void Begin()
    {
        wire.Calls++;
        from.Effect();
        if (!from.IsAlive)
        {
            return;
        }

        _cancellation = options.Cancellation.Register(() => from.Post(GiveUp));
        from.Post(() => Fail(ErrorCatalog.DeadlineExceeded, "No answer in time."), _deadline - wire.World.Queue.Now);
        if (wire.At(address) is not { } to)
        {
            // Refused by the machine, or the machine is gone too.
            Lose(SilenceMicroseconds);
            return;
        }

        _to = to;
        from.Post(Watch, LookMicroseconds);
        if (!wire.Send(from.Machine, to.Machine, () => to.Do(Serve)))
        {
            Lose(SilenceMicroseconds);
        }
    }

    private void Watch()
    {
        if (_done.Task.IsCompleted)
        {
            return;
        }

        if (!_to!.IsAlive || (wire.SilentSince(from, _to) is { } since
            && wire.World.Queue.Now - since > SilenceMicroseconds))
        {
            Fail(ErrorCatalog.ConnectionLost, $"{address} is silent.");
        }
        else
        {
            from.Post(Watch, LookMicroseconds);
        }
    }

    /// <summary>It, or its reply, is lost: the connection ends at once, or when the peer was silent for long.</summary>
    private void Lose(long silence) => from.Post(
        () => Fail(ErrorCatalog.ConnectionLost, $"The connection to {address} is lost."),
        wire.Prng.Chance(0.5) ? 1_000 + wire.Prng.NextInt32(20_000) : silence);

    private void Serve()
    {
        wire.World.Trace.Add(2, Trace.Text(method.FullName));
        if (wire.World.Trace.IsDetailed)
        {
            wire.World.Trace.Detail($"{from} -> {_to} {method.Name} {request}");
        }

        var to = _to!;
        if (!to.Offers.Bindings.TryGetValue(method.FullName, out var offered))
        {
            throw new InvariantException("what is called is offered", $"{method} at {to}");
        }

        var call = new WireServerCall(method, _payload, _deadline, wire.World);
        _serving = call;
        _ = RunAsync(to, (UnaryBinding<TRequest, TReply>)offered, call);
    }

    private async Task RunAsync(SimulatedProcess to, UnaryBinding<TRequest, TReply> offered, WireServerCall call)
    {
        Action end;
        try
        {
            var asked = request.Clone();
            var reply = offered.Quick?.Invoke(asked, call)
                ?? await offered.Handler(asked, call).ConfigureAwait(false);
            var (told, payload) = (reply.Clone(), call.TakeReply());
            if (wire.World.Trace.IsDetailed)
            {
                wire.World.Trace.Detail($"{to} -> {from} {method.Name} {told}");
            }

            end = () => End(told, payload);
        }
        catch (Exception error) when (error is DistFsException or OperationCanceledException)
        {
            call.TakeReply();
            var info = RpcException.ToInfo(error);
            if (wire.World.Trace.IsDetailed)
            {
                wire.World.Trace.Detail($"{to} -> {from} {method.Name} {info}");
            }

            end = () => Fail(RpcException.FromInfo(info));
        }
        catch (Exception error)
        {
            wire.World.Fail(error);
            return;
        }

        to.Effect();
        if (to.IsAlive && !wire.Send(to.Machine, from.Machine, () => from.Do(end)))
        {
            Lose(SilenceMicroseconds);
        }
    }

    private void End(TReply reply, byte[] bytes)
    {
        if (_done.Task.IsCompleted)
        {
            return;
        }

        var payload = default(Payload);
        if (bytes.Length > 0 && options.Sink is { } sink)
        {
            sink.Begin(bytes.Length);
            sink.Feed(bytes);
        }
        else if (bytes.Length > 0)
        {
            var buffer = PooledBuffer.Rent(bytes.Length);
            bytes.CopyTo(buffer.Memory(buffer.Lease));
            payload = new Payload(buffer);
        }

        _cancellation.Unregister();
        _done.SetResult(new RpcReply<TReply>(reply, payload));
    }

    private void Fail(ErrorCode code, string message) => Fail(new RpcException(code, message, outcomeUnknown: true));

    private void Fail(RpcException error)
    {
        if (!_done.Task.IsCompleted)
        {
            _cancellation.Unregister();
            CancelThere();
            _done.SetException(error);
        }
    }

    private void GiveUp()
    {
        if (!_done.Task.IsCompleted)
        {
            CancelThere();
            _done.SetCanceled(options.Cancellation);
        }
    }

    private void CancelThere()
    {
        if (_to is { } to)
        {
            wire.Send(from.Machine, to.Machine, () => to.Do(() => _serving?.GiveUp()));
        }
    }
}

/// <summary>A call as its handler sees it.</summary>
internal sealed class WireServerCall : ServerCall
{
    private readonly RpcMethod _method;
    private readonly ChainWorld _world;
    private readonly long _deadline;

    public WireServerCall(RpcMethod method, ReadOnlyMemory<byte> payload, long deadline, ChainWorld world)
    {
        (_method, _deadline, _world) = (method, deadline, world);
        Payload = payload;
    }

    public override RpcMethod Method => _method;

    public override RpcPeer Peer { get; } = new("simulated", null, "", default, null);

    public override TimeSpan TimeRemaining =>
        TimeSpan.FromMicroseconds(Math.Max(0, _deadline - _world.Queue.Now));

    /// <summary>The caller waits no more.</summary>
    public void GiveUp() => Cancel();

    /// <summary>The reply's bytes, whose memory goes back.</summary>
    public byte[] TakeReply()
    {
        var bytes = ReplyPayload.ToArray();
        DropReplyPayload();
        return bytes;
    }

    protected override void CancellationFailed(Exception error) => _world.Fail(error);
}
