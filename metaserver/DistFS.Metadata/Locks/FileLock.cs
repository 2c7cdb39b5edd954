using DistFS.Primitives;

namespace DistFS.Metadata.Locks;

/// <summary>The two sorts of locks, which know nothing of each other (Linux, flock(2)).</summary>
public enum LockKind : byte
{
    /// <summary>flock: of a whole file, of an open.</summary>
    Flock = 1,

    /// <summary>fcntl: of a range of bytes, of a process (POSIX, fcntl, F_SETLK).</summary>
    Posix = 2,
}

/// <summary>Who has a lock: a number that the client chose, within its session.</summary>
/// <param name="Client">The session.</param>
/// <param name="Id">Of flock: the handle. Of fcntl: the process, as the client names it.</param>
public readonly record struct LockOwner(ClientId Client, ulong Id);

/// <summary>A lock that is held, or waited for.</summary>
/// <param name="Kind">Its sort.</param>
/// <param name="Owner">Whose.</param>
/// <param name="IsExclusive">Nobody else has one there; else nobody else has an exclusive one.</param>
/// <param name="First">The first byte.</param>
/// <param name="Last">The last byte; <see cref="ulong.MaxValue"/> for all there will ever be.</param>
/// <param name="Number">
/// Held: its fencing token, higher than that of every lock granted before. Waited for: the number by which the client
/// knows the request.
/// </param>
/// <param name="Process">For F_GETLK: who that is, in the client's words.</param>
public readonly record struct FileLock(
    LockKind Kind, LockOwner Owner, bool IsExclusive, ulong First, ulong Last, ulong Number, uint Process)
{
    /// <summary>Whether both can not be held at once.</summary>
    public bool Conflicts(in FileLock other) =>
        Kind == other.Kind && Owner != other.Owner && (IsExclusive || other.IsExclusive) && Overlaps(other);

    /// <summary>Whether they have a byte in common.</summary>
    public bool Overlaps(in FileLock other) => First <= other.Last && other.First <= Last;
}

/// <summary>Somebody has got the lock that he waited for: the session is to be told.</summary>
/// <param name="Inode">Of which inode.</param>
/// <param name="Lock">What is held now, with its fencing token.</param>
/// <param name="Ticket">The number by which the client knows the request.</param>
public readonly record struct LockGrant(InodeId Inode, FileLock Lock, ulong Ticket);
