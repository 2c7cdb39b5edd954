using DistFS.Metadata.Leases;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Services;

/// <summary>A client's operations on their way through the leader.</summary>
/// <param name="command">As it will be proposed; stages may add to it.</param>
/// <param name="request">The operations in it, for stages to read; what they change in it is not proposed.</param>
/// <param name="deadline">On the monotonic clock of <see cref="TimeProvider.System"/>.</param>
/// <param name="cancellation">The client waits no more.</param>
internal sealed class Mutation(
    MetadataCommand command, MutateRequest request, TimeSpan deadline, CancellationToken cancellation)
{
    /// <summary>Who asks.</summary>
    public ClientId Client { get; } = new(command.Client);

    /// <summary>As it will be proposed.</summary>
    public MetadataCommand Command { get; } = command;

    /// <summary>The operations.</summary>
    public MutateRequest Request { get; } = request;

    /// <summary>It is proposed only if this member leads in this term; 0: in whatever.</summary>
    public ulong Term { get; set; }

    /// <summary>What it holds of the leases, while it is in flight.</summary>
    public LeaseTicket? Ticket { get; set; }

    /// <summary>What the state machine replied, and what stages made of it; null before that.</summary>
    public MetadataReply? Reply { get; set; }

    /// <summary>The client waits no more.</summary>
    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>For how long its client waits; not above zero when that time is over.</summary>
    public TimeSpan TimeRemaining => deadline - TimeProvider.System.GetElapsedTime(0);
}
