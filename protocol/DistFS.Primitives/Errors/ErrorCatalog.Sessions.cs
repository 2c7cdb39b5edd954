namespace DistFS.Primitives;

/// <content>135x: leases; 14xx: sessions of clients.</content>
public static partial class ErrorCatalog
{
    /// <summary>Leases of another leader.</summary>
    public static readonly ErrorCode LeaseEpoch = new(1350, FsStatus.Stale, "leases of another leader",
        "The call names leases that another metaserver granted, or this one before it lost its leadership. Nothing was "
        + "done. The client reclaims its leases from the leader that there is now; it does so by itself.");

    /// <summary>There may be leases that nobody has reclaimed yet.</summary>
    public static readonly ErrorCode LeaseGrace = new(1351, FsStatus.TryAgain, "leases are being reclaimed",
        "The metaservers have a new leader, and clients reclaim the leases that they have. Until all have, or the "
        + "longest of their lease times is over, what might conflict with a lease waits. Nothing was done; try again. "
        + "Clients do so by themselves.");

    /// <summary>Another client has a lease, and has not given it up.</summary>
    public static readonly ErrorCode LeaseHeld = new(1352, FsStatus.TryAgain, "held by another client",
        "Another client has the file or directory in its cache, and has not written back and given it up in time, or "
        + "too many wait already. Nothing was done; try again. A client that does not answer loses its session.");

    /// <summary>As many leases as there may be.</summary>
    public static readonly ErrorCode LeasesTooMany = new(1353, FsStatus.TryAgain, "too many leases",
        "The session, or all clients together, have as many leases as the leader keeps. The oldest are recalled; the "
        + "client works without this one meanwhile.");

    /// <summary>A session that never said it would use leases.</summary>
    public static readonly ErrorCode LeasesNotDeclared = new(1354, FsStatus.Invalid, "session without leases",
        "Leases are granted to sessions that were opened with them (OpenSession.leases), since a new leader waits for "
        + "those to reclaim. Nothing was granted. This is a defect of the client.");

    /// <summary>The client's session is over.</summary>
    public static readonly ErrorCode SessionEnded = new(1401, FsStatus.Stale, "session ended",
        "The metaservers have no session of this client: nothing was heard of it for its lease time (a pause, a cut "
        + "link), or it never began. Its locks, leases and open files are released. The client must begin a new "
        + "session; what it had not yet written is lost, and reported.");

    /// <summary>The request was answered, and the client said so.</summary>
    public static readonly ErrorCode RequestStale = new(1402, FsStatus.Stale, "request is old",
        "The client has acknowledged the reply of this request already, so the reply is not kept any more. This is a "
        + "late copy of a message; nothing was done.");

    /// <summary>Two requests have one number.</summary>
    public static readonly ErrorCode RequestReused = new(1403, FsStatus.Invalid, "request number used twice",
        "Under this number the client's session has sent another request before. Nothing was done. This is a defect of "
        + "the client: two processes must never share a session.");

    /// <summary>More requests at once than a session may have.</summary>
    public static readonly ErrorCode RequestsTooMany = new(1404, FsStatus.TryAgain, "too many requests at once",
        "A session has at most 1,024 requests between the oldest whose reply it has not acknowledged and the newest. "
        + "Nothing was done; try again when replies have come.");
}
