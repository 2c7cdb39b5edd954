namespace DistFS.Primitives;

/// <content>14xx: sessions of clients.</content>
public static partial class ErrorCatalog
{
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
