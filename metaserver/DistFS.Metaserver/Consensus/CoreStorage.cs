using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// The store as the core sees it. The disk lane compacts the log while the core lane reads it; so the core first stops
/// looking at what will go (<see cref="TryHideBefore"/>), and only then it goes. An installed snapshot takes entries
/// away unannounced: the core itself does not look into the log while one is on its way, but whoever else calls on its
/// lane must reckon with it between any two calls.
/// </summary>
internal sealed class CoreStorage(RaftStore store) : IRaftStorage
{
    /// <summary>What the core takes for the entry before the first; counts while it is after the store's.</summary>
    private EntryId _hidden;

    public HardState HardState => store.HardState;

    public SnapshotMeta? Snapshot => store.Snapshot;

    public (SnapshotMeta Meta, long ReceivedBytes)? Incoming => store.Incoming;

    public EntryId Compacted => store.Compacted is var real && real.Index >= _hidden.Index ? real : _hidden;

    public EntryId Last => store.Last;

    public RaftConfiguration CompactedConfiguration
    {
        get
        {
            // Asked for at the start and after an installation, both of which are later than anything hidden.
            Check.That(store.Compacted.Index >= _hidden.Index);
            return store.CompactedConfiguration;
        }
    }

    public bool IsWhole => store.IsWhole;

    public EntryId Promised => store.Promised;

    public Term TermAt(LogIndex index) => store.TermAt(index);

    public IReadOnlyList<RaftEntry> Read(LogIndex from, LogIndex last, long bytesMax) =>
        store.Read(from, last, bytesMax);

    /// <summary>
    /// From now on the core sees a log that starts after <paramref name="index"/>. False, and nothing happens, if it
    /// starts there or later anyway, by now.
    /// </summary>
    public bool TryHideBefore(LogIndex index)
    {
        // Asked first and checked then: checked first, it could be taken away before it is asked for.
        if (index <= _hidden.Index || TryTermAt(index) is not { } term || index <= store.Compacted.Index)
        {
            return false;
        }

        _hidden = new EntryId(term, index);
        return true;
    }

    private Term? TryTermAt(LogIndex index)
    {
        try
        {
            return store.TermAt(index);
        }
        catch (ArgumentOutOfRangeException) when (index < store.Compacted.Index)
        {
            // The disk lane has installed a snapshot.
            return null;
        }
    }
}
