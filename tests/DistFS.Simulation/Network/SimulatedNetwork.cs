using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>Something on the way between two endpoints: bytes of a member's message, or a client's call.</summary>
/// <param name="From">The sender's endpoint.</param>
/// <param name="To">The receiver's.</param>
/// <param name="Bytes">A member's message as encoded; empty in a client's.</param>
/// <param name="Call">A client's request or reply, or null.</param>
/// <param name="IsCorrupt">Whether a byte was flipped on the way.</param>
public sealed record Packet(ulong From, ulong To, ReadOnlyMemory<byte> Bytes, object? Call, bool IsCorrupt);

/// <summary>
/// Directed links between endpoints. Members have their id as endpoint, clients numbers from
/// <see cref="FirstClient"/> on.
/// </summary>
public sealed class SimulatedNetwork(EventQueue queue, Trace trace, Prng prng, NetworkQuality quality)
{
    /// <summary>The endpoint of the first client.</summary>
    public const ulong FirstClient = 1_000_000;

    private const double LateFactor = 100;

    private readonly Dictionary<(ulong From, ulong To), SimulatedLink> _links = [];

    /// <summary>What happens to messages.</summary>
    public NetworkQuality Quality { get; } = quality;

    /// <summary>Called for each message that arrives.</summary>
    public Action<Packet>? Arrived { get; set; }

    /// <summary>Called for each message between members that is lost, when the sender could notice.</summary>
    public Action<Packet>? Lost { get; set; }

    /// <summary>Messages that were sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Messages that were lost.</summary>
    public long Dropped { get; private set; }

    /// <summary>The link of one direction.</summary>
    public SimulatedLink Link(ulong from, ulong to)
    {
        if (!_links.TryGetValue((from, to), out var link))
        {
            _links[(from, to)] = link = new SimulatedLink();
        }

        return link;
    }

    /// <summary>Cuts or mends one direction.</summary>
    public void Cut(ulong from, ulong to, bool cut) => Link(from, to).IsCut = cut;

    /// <summary>All links work again, and what was clogged is free.</summary>
    public void MendAll()
    {
        foreach (var link in _links.Values)
        {
            link.IsCut = false;
            link.CloggedUntil = 0;
        }
    }

    /// <summary>Sends a message; whether, when and how often it arrives is up to the link.</summary>
    public void Send(ulong from, ulong to, ReadOnlyMemory<byte> bytes, object? call)
    {
        Sent++;
        var packet = new Packet(from, to, bytes, call, IsCorrupt: false);
        var link = Link(from, to);
        if (link.IsCut || prng.Chance(Quality.Loss))
        {
            Lose(packet);
            return;
        }

        if (bytes.Length > 0 && Quality.Corruption > 0 && prng.Chance(Quality.Corruption))
        {
            packet = Corrupt(packet);
        }

        Schedule(link, packet);
        if (Quality.Duplicates > 0 && prng.Chance(Quality.Duplicates))
        {
            Schedule(link, packet);
        }
    }

    private void Schedule(SimulatedLink link, Packet packet)
    {
        var late = Quality.Late > 0 && prng.Chance(Quality.Late) ? LateFactor : 1;
        var delay = 1 + (long)DiskFaults.Exponential(prng, Quality.DelayMicroseconds * late);
        var arrival = Math.Max(queue.Now + delay, link.CloggedUntil);
        if (Quality.IsOrdered)
        {
            arrival = Math.Max(arrival, link.LastArrival);
            link.LastArrival = arrival;
        }

        queue.At(arrival, () => Arrive(link, packet));
    }

    private void Arrive(SimulatedLink link, Packet packet)
    {
        if (link.IsCut)
        {
            Lose(packet);
            return;
        }

        trace.Add(2, (packet.From << 32) ^ packet.To ^ ((ulong)Crc32C.Compute(packet.Bytes.Span) << 20));
        Arrived?.Invoke(packet);
    }

    private void Lose(Packet packet)
    {
        Dropped++;
        trace.Add(3, (packet.From << 32) ^ packet.To);

        // Sometimes the sender's transport notices.
        if (packet.Bytes.Length > 0 && prng.Chance(0.2))
        {
            queue.After(1 + (long)DiskFaults.Exponential(prng, 10 * Quality.DelayMicroseconds), () =>
                Lost?.Invoke(packet));
        }
    }

    private Packet Corrupt(Packet packet)
    {
        var bytes = packet.Bytes.ToArray();
        bytes[prng.NextInt32(bytes.Length)] ^= (byte)(1 << prng.NextInt32(8));
        return packet with { Bytes = bytes, IsCorrupt = true };
    }
}
