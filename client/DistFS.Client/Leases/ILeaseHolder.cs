using DistFS.Primitives;

namespace DistFS.Client.Leases;

/// <summary>Whoever caches under leases.</summary>
public interface ILeaseHolder
{
    /// <summary>
    /// Others wait for this: what was changed here under the lease is sent, and what is cached beyond
    /// <paramref name="keep"/> is forgotten, also by those it was handed on to. From the call on nothing more is
    /// answered or changed under what is given up. What cannot be sent is told to whoever wrote it; it never throws.
    /// </summary>
    Task GiveUpAsync(InodeId inode, LeaseMode keep);

    /// <summary>A lease is gone already: what is cached is forgotten, and what was to be sent is refused.</summary>
    void Lost(InodeId inode);

    /// <summary>All are, with the session: opens and locks too. A new session begins with the next request.</summary>
    void AllLost();
}
