using DistFS.Primitives;
using DistFS.Rpc;
using Google.Protobuf;

namespace DistFS.Simulation.Chains;

/// <summary>
/// Calls between processes as connections carry them: late, in order or not, twice when a caller repeats what an old
/// connection still brings, cut off one way or both; and a caller notices that its peer is silent.
/// </summary>
internal sealed class Wire(ChainWorld world, Prng prng)
{
    private const int LateFactor = 100;

    private readonly Dictionary<string, SimulatedProcess> _listening = new(StringComparer.Ordinal);
    private readonly Dictionary<(string From, string To), long> _cutSince = [];
    private readonly Dictionary<(string From, string To), long> _lastArrival = [];

    /// <summary>How good it is.</summary>
    public required NetworkQuality Quality { get; init; }

    /// <summary>Calls that were made.</summary>
    public long Calls { get; set; }

    /// <summary>Draws.</summary>
    public Prng Prng => prng;

    /// <summary>The world.</summary>
    public ChainWorld World => world;

    /// <summary>A process answers at its machine's address.</summary>
    public void Listen(SimulatedProcess process) => _listening[process.Machine] = process;

    /// <summary>Who answers there; null: nobody does.</summary>
    public SimulatedProcess? At(string address) =>
        _listening.GetValueOrDefault(address.Split(':')[0]) is { IsAlive: true } process ? process : null;

    /// <summary>Nothing goes one way any more, until it is mended.</summary>
    public void Cut(string from, string to) => _cutSince.TryAdd((from, to), world.Queue.Now);

    /// <summary>It goes again.</summary>
    public void Mend(string from, string to) => _cutSince.Remove((from, to));

    /// <summary>All goes again.</summary>
    public void MendAll() => _cutSince.Clear();

    /// <summary>Since when nothing comes from there and back; null: it does.</summary>
    public long? SilentSince(SimulatedProcess from, SimulatedProcess to)
    {
        var since = to.PausedSince ?? long.MaxValue;
        since = Math.Min(since, _cutSince.GetValueOrDefault((from.Machine, to.Machine), long.MaxValue));
        since = Math.Min(since, _cutSince.GetValueOrDefault((to.Machine, from.Machine), long.MaxValue));
        return since == long.MaxValue ? null : since;
    }

    /// <summary>Sends one way. False: it will not arrive.</summary>
    public bool Send(string from, string to, Action arrive)
    {
        if (_cutSince.ContainsKey((from, to)) || prng.Chance(Quality.Loss))
        {
            return false;
        }

        Schedule(from, to, arrive);
        if (Quality.Duplicates > 0 && prng.Chance(Quality.Duplicates))
        {
            Schedule(from, to, arrive);
        }

        return true;
    }

    private void Schedule(string from, string to, Action arrive)
    {
        var late = Quality.Late > 0 && prng.Chance(Quality.Late) ? LateFactor : 1;
        var at = world.Queue.Now + 1 + (long)DiskFaults.Exponential(prng, Quality.DelayMicroseconds * late);
        if (Quality.IsOrdered)
        {
            at = Math.Max(at, _lastArrival.GetValueOrDefault((from, to)));
            _lastArrival[(from, to)] = at;
        }

        world.Queue.At(at, () =>
        {
            // What is under way when the link is cut is lost with it.
            if (!_cutSince.ContainsKey((from, to)))
            {
                arrive();
            }
        });
    }
}

/// <summary>Who calls from a process.</summary>
internal sealed class WireCallers(Wire wire, SimulatedProcess from) : IRpcCallers
{
    private readonly Dictionary<string, WireCaller> _callers = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IRpcCaller To(string address)
    {
        if (!_callers.TryGetValue(address, out var caller))
        {
            _callers.Add(address, caller = new WireCaller(wire, from, address));
        }

        return caller;
    }
}

/// <summary>Calls one address.</summary>
internal sealed class WireCaller(Wire wire, SimulatedProcess from, string address) : IRpcCaller
{
    /// <inheritdoc/>
    public ValueTask<RpcReply<TReply>> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, in CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        options.Cancellation.ThrowIfCancellationRequested();
        var call = new WireCall<TRequest, TReply>(wire, from, address, method, request.Clone(), options);
        call.Begin();
        return new ValueTask<RpcReply<TReply>>(call.Task);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<TReply> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new() => throw new NotSupportedException("Nothing streams here.");
}
