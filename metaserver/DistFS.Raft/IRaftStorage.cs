using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>
/// What the core reads of the disk, synchronously. It holds what was persisted and nothing else; what is still on its
/// way to the disk is in the core. The shell changes it only by executing a <see cref="RaftReady"/> or by compacting
/// behind a snapshot.
/// </summary>
public interface IRaftStorage
{
    /// <summary>The hard state; all zero in a store that never ran.</summary>
    HardState HardState { get; }

    /// <summary>The newest whole snapshot, or null. Its last entry is not before the entry before
    /// <see cref="First"/>.</summary>
    SnapshotMeta? Snapshot { get; }

    /// <summary>The snapshot that is being received and how many of its bytes are stored; null without one.</summary>
    (SnapshotMeta Meta, long ReceivedBytes)? Incoming { get; }

    /// <summary>
    /// The entry before <see cref="First"/>, whose term is still known: zero in a log that was never compacted.
    /// </summary>
    EntryId Compacted { get; }

    /// <summary>The first entry that can be read, if there is any.</summary>
    LogIndex First => Compacted.Index.Next;

    /// <summary>The last entry; that of <see cref="Compacted"/> when the log is empty.</summary>
    EntryId Last { get; }

    /// <summary>
    /// The configuration in force at <see cref="Compacted"/>; empty when none was ever set (a store that waits to be
    /// added to a cluster).
    /// </summary>
    RaftConfiguration CompactedConfiguration { get; }

    /// <summary>
    /// Whether the log holds all that this member ever acknowledged. False after corruption was found: until a leader
    /// has replaced what was lost, the member neither votes nor leads.
    /// </summary>
    bool IsWhole { get; }

    /// <summary>
    /// The last entry that this member may have acknowledged; later than <see cref="Last"/> only when the log is not
    /// whole. The core decides nothing by it.
    /// </summary>
    EntryId Promised { get; }

    /// <summary>The term of an entry between <see cref="Compacted"/> and <see cref="Last"/>.</summary>
    Term TermAt(LogIndex index);

    /// <summary>
    /// Entries from <paramref name="from"/> on, at least one, then as many as fit <paramref name="bytesMax"/>
    /// (<see cref="RaftEntry.SizeBytes"/>), none after <paramref name="last"/>.
    /// </summary>
    /// <remarks>The range must be inside the log.</remarks>
    IReadOnlyList<RaftEntry> Read(LogIndex from, LogIndex last, long bytesMax);
}
