namespace DistFS.Simulation;

/// <summary>One direction between two endpoints.</summary>
public sealed class SimulatedLink
{
    /// <summary>Nothing arrives.</summary>
    public bool IsCut { get; set; }

    /// <summary>What is sent before then (virtual microseconds) arrives after it.</summary>
    public long CloggedUntil { get; set; }

    /// <summary>When the last message arrives; an ordered link lets none overtake it.</summary>
    internal long LastArrival { get; set; }
}

/// <summary>How good the network is; the same for all links, which are cut and clogged one by one.</summary>
public sealed class NetworkQuality
{
    /// <summary>Mean of the exponential delay, in microseconds.</summary>
    public double DelayMicroseconds { get; set; } = 500;

    /// <summary>Probability that a message is lost.</summary>
    public double Loss { get; set; }

    /// <summary>Probability that a message arrives twice.</summary>
    public double Duplicates { get; set; }

    /// <summary>Probability that a message is much later than those behind it.</summary>
    public double Late { get; set; }

    /// <summary>Probability that a byte is flipped on the way; such a message must never count.</summary>
    public double Corruption { get; set; }

    /// <summary>Whether a link keeps its messages in order, as one connection does.</summary>
    public bool IsOrdered { get; set; }

    /// <summary>Nothing is lost, repeated or damaged any more.</summary>
    public void Heal() => Loss = Duplicates = Late = Corruption = 0;
}
