using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// What the members replicate. Every member applies the same entries in the same order, so it must depend on nothing
/// else. All calls come from one thread, the apply lane's; what it offers for reading beside that is its own matter.
/// </summary>
public interface IReplicatedStateMachine
{
    /// <summary>The last entry whose effects its state holds; any thread.</summary>
    LogIndex AppliedIndex { get; }

    /// <summary>
    /// Applies the next entry; no-ops and configurations only move <see cref="AppliedIndex"/>. If the state survives
    /// the process by itself, the index does together with the effects.
    /// </summary>
    /// <returns>The reply for whoever proposed it; must not change later.</returns>
    ReadOnlyMemory<byte> Apply(RaftEntry entry);

    /// <summary>
    /// A run of entries was applied: whoever waits for them is answered after this, and may read what they did.
    /// </summary>
    void Publish();

    /// <summary>
    /// A view of the state as it is now, taken quickly: it is read on another lane while entries go on being applied.
    /// </summary>
    ISnapshotSource BeginSnapshot();

    /// <summary>Replaces the state by that of a snapshot; afterwards it is at the snapshot's last entry.</summary>
    void Restore(Stream snapshot, SnapshotMeta meta);
}

/// <summary>A consistent view of a state machine.</summary>
public interface ISnapshotSource : IDisposable
{
    /// <summary>Writes all of it, as one stream of bytes.</summary>
    void WriteTo(Stream destination);
}
