using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <summary>What a session may do with an inode by itself. Its numbers are on the wire.</summary>
public enum LeaseMode : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Answer attributes, names and content from its cache.</summary>
    Read = 1,

    /// <summary>Besides, change them, and send the changes later.</summary>
    Write = 2,
}

/// <summary>What something needs of an inode or a name.</summary>
public enum LeaseNeedKind : byte
{
    /// <summary>An inode as everybody sees it: no other session has a write lease.</summary>
    Look,

    /// <summary>An inode for itself: no other session has a lease.</summary>
    Change,

    /// <summary>A name in a directory: no other operation that needs it is under way.</summary>
    Name,
}

/// <summary>An inode or a name, and what is needed of it.</summary>
/// <param name="Kind">What.</param>
/// <param name="Value">The inode; of a name, a hash of directory and name. Two with one hash only wait in vain.</param>
public readonly record struct LeaseNeed(LeaseNeedKind Kind, ulong Value);

/// <summary>Why something was not had.</summary>
public enum LeaseRefusal : byte
{
    /// <summary>It was.</summary>
    None,

    /// <summary>A holder has not answered in time, or others were before.</summary>
    NotInTime,

    /// <summary>Holders may not have reclaimed yet what they had of the leader before.</summary>
    Grace,

    /// <summary>The session, or all together, have as many leases as there may be.</summary>
    TooManyLeases,

    /// <summary>Too many wait already.</summary>
    TooManyWaiting,

    /// <summary>This member does not lead, or not in that epoch any more.</summary>
    NotLeader,

    /// <summary>The session is over, or was never heard of here.</summary>
    NoSession,

    /// <summary>The session was not opened with leases.</summary>
    NotDeclared,

    /// <summary>It is too late to reclaim: others may have had the inode meanwhile.</summary>
    TooLate,
}

/// <summary>A session that uses leases, as the state knows it.</summary>
/// <param name="Session">Whose.</param>
/// <param name="LeaseMs">It ends when nothing was heard of it for so long.</param>
/// <param name="IsEnded">It was ended before that, and its client may not have noticed.</param>
public readonly record struct LeaseHolder(ClientId Session, ulong LeaseMs, bool IsEnded = false);

/// <summary>A session has to give up a lease.</summary>
/// <param name="Number">Grows; names this recall among those of the session's epoch.</param>
/// <param name="Inode">Of which inode.</param>
/// <param name="Grant">Which lease.</param>
/// <param name="To">What it may keep: nothing, or to read.</param>
public readonly record struct LeaseRecall(ulong Number, InodeId Inode, ulong Grant, LeaseMode To);
