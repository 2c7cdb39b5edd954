using DistFS.Metadata.Leases;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What a session asks about leases, or of an inode that it may have one of.</summary>
/// <param name="Session">Whose.</param>
public abstract record LeaseAsk(ClientId Session);

/// <summary>It wants a lease.</summary>
public sealed record AcquireLease(ClientId Session, ulong Inode, LeaseMode Mode, long WaitMs) : LeaseAsk(Session);

/// <summary>It gives one up, or keeps a part.</summary>
public sealed record ReleaseLease(ClientId Session, ulong Epoch, ulong Inode, ulong Grant, LeaseMode Keep)
    : LeaseAsk(Session);

/// <summary>After a change of leader: what it has, all of it.</summary>
public sealed record ReclaimLeases(
    ClientId Session, ulong Epoch, IReadOnlyList<(ulong Inode, LeaseMode Mode)> Held) : LeaseAsk(Session);

/// <summary>It lives, and is to be told when it has to give something up.</summary>
public sealed record WaitForRecalls(ClientId Session, ulong Epoch, ulong Seen) : LeaseAsk(Session);

/// <summary>It writes, through or what it had buffered.</summary>
public sealed record LeasedChange(ClientId Session, SequenceNumber Sequence, ulong Inode, ulong Value)
    : LeaseAsk(Session);

/// <summary>It reads what it has not in its cache.</summary>
public sealed record LeasedLook(ClientId Session, ulong Inode) : LeaseAsk(Session);

/// <summary>A question on its way.</summary>
/// <param name="Endpoint">Where to answer.</param>
/// <param name="Number">Which.</param>
/// <param name="Ask">What.</param>
public sealed record LeaseCall(ulong Endpoint, ulong Number, LeaseAsk Ask);

/// <summary>An answer on its way.</summary>
/// <param name="Number">That of the question.</param>
/// <param name="Refusal">Why not; none: it is done.</param>
/// <param name="Epoch">In which all of it is meant; 0: of nobody who leads.</param>
public sealed record LeaseAnswer(ulong Number, LeaseRefusal Refusal, ulong Epoch)
{
    /// <summary>Whom the member takes for the leader; 0 is unknown.</summary>
    public ulong Leader { get; init; }

    /// <summary>The value of the inode, as it is under the lease or as it was looked at.</summary>
    public ulong Value { get; init; }

    /// <summary>The lease that was granted.</summary>
    public ulong Grant { get; init; }

    /// <summary>What it allows.</summary>
    public LeaseMode Mode { get; init; }

    /// <summary>Of each lease reclaimed the grant; 0: it is gone.</summary>
    public IReadOnlyList<ulong> Grants { get; init; } = [];

    /// <summary>What is to be given up.</summary>
    public IReadOnlyList<LeaseRecall> Recalls { get; init; } = [];

    /// <summary>The session counts its lease time anew, from when it asked.</summary>
    public bool IsRenewed { get; init; }

    /// <summary>The session has to say what it has of the leader before.</summary>
    public bool MustReclaim { get; init; }
}
