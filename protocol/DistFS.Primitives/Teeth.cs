namespace DistFS.Primitives;

/// <summary>
/// Bugs planted on purpose, to prove that the simulator's invariants can bite: each is a rule left out at
/// the one place that keeps it. They exist only where TEETH is defined (test builds); in a product build
/// <see cref="Teeth.Has"/> is the constant false and the compiler drops what hangs on it.
/// </summary>
public enum PlantedBug
{
    /// <summary>None: the product.</summary>
    None,

    /// <summary>A vote is told before it is on disk.</summary>
    VoteReplyBeforeFsync,

    /// <summary>A vote is never written to disk.</summary>
    VoteNotPersisted,

    /// <summary>An entry of an older term is committed because a majority has it (Raft paper, figure 8).</summary>
    OldTermCommittedByCount,

    /// <summary>A read is granted without asking a quorum whether this is still the leader.</summary>
    ReadWithoutQuorum,

    /// <summary>A read is granted before the leader has committed an entry of its own term.</summary>
    ReadBeforeOwnNoOp,

    /// <summary>A change of membership is accepted before the leader has committed an entry of its own term.</summary>
    ConfigurationBeforeOwnNoOp,

    /// <summary>An append is acknowledged before it is on disk.</summary>
    AppendReplyBeforeFsync,

    /// <summary>A duplicate append cuts off the entries that came after it.</summary>
    DuplicateAppendTruncates,

    /// <summary>A snapshot older than the state is installed over it.</summary>
    OlderSnapshotInstalled,

    /// <summary>A snapshot lacks the table of client sessions.</summary>
    SnapshotWithoutSessions,

    /// <summary>A repeated request is executed again.</summary>
    SessionDedupSkipped,

    /// <summary>A state machine looks at the local clock.</summary>
    ApplyUsesWallTime,

    /// <summary>An fsync that failed is taken for done.</summary>
    FsyncErrorIgnored,

    /// <summary>A checksum error in the middle of the log is cut away like a torn tail.</summary>
    CorruptLogTruncated,

    /// <summary>A renamed file's folder is not synced.</summary>
    FolderNotSynced,

    /// <summary>A voter whose folder was lost returns under its old name with an empty log.</summary>
    WipedVoterReturns,

    // From here on: rules of the metadata, found by worlds that run it.

    /// <summary>The reply of a request is not kept, so that a repetition is executed again.</summary>
    ReplyNotSaved,

    /// <summary>The number of a session that ended is given again, to who opens it late.</summary>
    SessionRevived,

    /// <summary>A session ends although the leader has not led long enough to hear of it.</summary>
    SessionEndedEarly,

    /// <summary>What an expired session has open and locked is not left to collection.</summary>
    ExpiredSessionKeepsLocks,

    /// <summary>A lock is granted under the token of the one before.</summary>
    LockTokenGivenTwice,

    /// <summary>A rename does not ask whether a directory would come below itself.</summary>
    RenameMakesCycle,

    /// <summary>A file that is replaced by a rename keeps its count of names.</summary>
    LinksWrongOnReplace,

    /// <summary>A file that is renamed to another quota's domain is not charged there.</summary>
    QuotaNotMoved,

    /// <summary>A file that is cut stays in its version: what was cut off can come back.</summary>
    CutKeepsVersion,

    /// <summary>A chunk becomes garbage with its first reference that goes, not with the last.</summary>
    GarbageStillReferenced,

    /// <summary>A server is dropped from a chunk, which stays in its version.</summary>
    DropKeepsVersion,

    /// <summary>A member's own time of writing to its store goes into the state.</summary>
    ApplyUsesOwnState,

    /// <summary>The index of the last entry goes to the store before the rows that belong to it.</summary>
    IndexFlushedApart,

    /// <summary>The state gives up the last copy of a chunk when a client or a planner says so.</summary>
    LastCopyRemoved,

    /// <summary>A new leader does not wait for what the holders of leases have of the one before.</summary>
    GraceSkipped,

    /// <summary>A recall is given up when the session is ended for it, although its holder may still use the lease.
    /// </summary>
    RecallGivenUpEarly,

    /// <summary>A lease is granted while an operation that conflicts is under way.</summary>
    LeaseGrantedBesideOperation,

    // From here on: rules of the data path, found by worlds of chunks.

    /// <summary>A member replies to a write that it has stored, whatever becomes of it behind.</summary>
    AcknowledgedBeforeTail,

    /// <summary>A member answers a read of a block that is not with all behind it.</summary>
    DirtyBlockServed,

    /// <summary>A version begins with nothing of what was dirty in the one before.</summary>
    DirtyBlocksForgotten,

    /// <summary>A write of a version that is over is taken for one of the present.</summary>
    FencedWriteTaken,

    /// <summary>Bytes are replied to without a sync, and the store does not note it.</summary>
    UncleanNotMarked,

    /// <summary>A repeated write is stored once more.</summary>
    RepetitionStoredTwice,

    /// <summary>A server that started again serves before it has told what it has.</summary>
    RevivedWithoutInventory,

    /// <summary>A writer's version repeats only what had no reply, not what was replied to out of order.</summary>
    RepeatedWithGaps,

    /// <summary>An unclean copy is chosen although others wrote without it.</summary>
    PassedCopyChosen,

    /// <summary>Servers that were told that a chunk is sealed, or are down, are taken to be at rest in it.</summary>
    ToldTakenForRest,
}

/// <summary>Switches a <see cref="PlantedBug"/> on, for the calling thread: a simulated world runs on one.</summary>
public static class Teeth
{
#if TEETH
    [ThreadStatic]
    private static PlantedBug _planted;

    /// <summary>Whether this build can plant bugs.</summary>
    public static bool Compiled => true;

    /// <summary>Whether <paramref name="bug"/> is planted in the world of this thread.</summary>
    public static bool Has(PlantedBug bug) => _planted == bug;

    /// <summary>Plants a bug, or <see cref="PlantedBug.None"/>, for this thread.</summary>
    public static void Plant(PlantedBug bug) => _planted = bug;
#else
    /// <summary>Whether this build can plant bugs.</summary>
    public static bool Compiled => false;

    /// <summary>Whether <paramref name="bug"/> is planted: never in a product build.</summary>
    public static bool Has(PlantedBug bug) => false;

    /// <summary>Refuses: this build has no planted bugs.</summary>
    /// <exception cref="NotSupportedException">Always, but for <see cref="PlantedBug.None"/>.</exception>
    public static void Plant(PlantedBug bug)
    {
        if (bug != PlantedBug.None)
        {
            throw new NotSupportedException("This is a product build: bugs can be planted in test builds only.");
        }
    }
#endif
}
