using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// Executes the disk's part of what the core wants done. Several values are made durable by one sync of each file that
/// they changed: of the log alone, if they only append.
/// </summary>
public sealed class ReadyPersister(RaftStore store)
{
    /// <summary>
    /// Writes values in their order, and in each: hard state, pieces of a snapshot, its installation, entries. When it
    /// returns, all of it is durable, and what waited for that may be sent.
    /// </summary>
    /// <returns>The last sequence, for <c>RaftCore.Persisted</c>; zero for no values.</returns>
    /// <exception cref="StoreFailedException">
    /// The disk failed or is full. Nothing of these values may be acknowledged; the process must end.
    /// </exception>
    public ulong Persist(IReadOnlyList<RaftReady> readies)
    {
        ArgumentNullException.ThrowIfNull(readies);
        var mustSync = false;
        var hasDiskWork = false;
        var sequence = 0UL;
        for (var i = 0; i < readies.Count; i++)
        {
            var ready = readies[i];
            Write(ready);
            mustSync |= ready.MustSync;
            hasDiskWork |= ready.HasDiskWork;
            sequence = ready.Sequence;
        }

        // Without a need to sync, this only notes the new commit index.
        if (mustSync || hasDiskWork)
        {
            store.Sync();
        }

        return sequence;
    }

    private void Write(RaftReady ready)
    {
        if (ready.HardState is { } state)
        {
            store.SetHardState(state);
        }

        for (var i = 0; i < ready.Pieces.Count; i++)
        {
            // The core asks again for what was not taken.
            _ = store.WritePiece(ready.Pieces[i]);
        }

        if (ready.Install is { } snapshot)
        {
            // The core sees in the store whether it could be done.
            _ = store.Install(snapshot);
        }

        if (ready.Append.Count > 0)
        {
            store.Append(ready.Append);
        }
    }
}
