namespace DistFS.Primitives;

/// <content>155x: what <c>dfs status</c> warns of (docs/operating/cli.md). None of them ends a command.</content>
public static partial class ErrorCatalog
{
    /// <summary>No metaserver leads.</summary>
    public static readonly ErrorCode NoLeader = new(1550, FsStatus.TryAgain, "no metaserver leads",
        "A majority of the metaservers has to reach each other for one of them to lead; without that nothing is "
        + "changed and nothing new is read. An election takes some seconds. If it lasts, start the metaservers "
        + "that are down: 'dfs members' shows what each one knows, its log says why it stopped.");

    /// <summary>A member of the consensus does not answer.</summary>
    public static readonly ErrorCode MetaserverDown = new(1551, FsStatus.TryAgain, "a metaserver is down",
        "The cluster goes on as long as a majority of its metaservers is alive. Start it again with its folder, "
        + "or take it out with 'dfs members remove' and add another.");

    /// <summary>One failure more, and the cluster stops.</summary>
    public static readonly ErrorCode NoSpareMetaserver = new(1552, FsStatus.TryAgain, "no metaserver can be spared",
        "If one more metaserver fails, nobody leads and the cluster stops until one is back. Three metaservers "
        + "bear the loss of one, five of two. Start those that are down, or add some.");

    /// <summary>A chunk server does not answer.</summary>
    public static readonly ErrorCode ChunkServerDown = new(1553, FsStatus.TryAgain, "a chunk server is down",
        "Its copies are made elsewhere from the others, 10 s after it was heard for the last time. Started "
        + "again with its folders it keeps what is still right. If it is gone for good, nothing has to be done.");

    /// <summary>Of some chunks nobody who is up has a copy.</summary>
    public static readonly ErrorCode ChunksMissing = new(1554, FsStatus.IoError, "chunks have no copy that can be read",
        "Parts of files cannot be read: all servers of these chunks are down, or lost their copies. Start the "
        + "servers that are down, with their folders: what was synced is in them.");

    /// <summary>Of some chunks one copy is left.</summary>
    public static readonly ErrorCode ChunksAtRisk = new(1555, FsStatus.TryAgain, "chunks have one copy left",
        "If its server is lost now, so are they. They are copied before all others; 'dfs status --watch' shows "
        + "how far that is.");

    /// <summary>Some chunks have fewer copies than they should.</summary>
    public static readonly ErrorCode ChunksUnderReplicated = new(1556, FsStatus.TryAgain,
        "chunks have fewer copies than their goal",
        "They are copied by themselves. If their number does not fall, there are too few servers, or they are "
        + "full: see the other warnings.");

    /// <summary>Copies are damaged.</summary>
    public static readonly ErrorCode ChunksCorrupt = new(1557, FsStatus.Corrupt, "copies of chunks are damaged",
        "A checksum was wrong when they were read or looked through. Readers are served by the other copies, "
        + "and the damaged ones are made again. Damage that comes back on one server means that a disk, or "
        + "memory, fails.");

    /// <summary>A disk has begun to rot.</summary>
    public static readonly ErrorCode BlocksDamaged = new(1558, FsStatus.Corrupt, "a chunk server found damaged blocks",
        "Since it started, stored blocks of this server were wrong and were mended from other servers. Nothing "
        + "is lost. Look at its disk (smartctl) and its memory before more of it goes.");

    /// <summary>Repair has work that it cannot do.</summary>
    public static readonly ErrorCode RepairBlocked = new(1559, FsStatus.TryAgain, "repair waits for servers",
        "For these chunks no server is left that could take a copy: there are fewer servers, or racks, than "
        + "copies are wanted, or the others are full. Add chunk servers, or lower the goal of the files.");

    /// <summary>Little room is left.</summary>
    public static readonly ErrorCode ClusterNearlyFull = new(1560, FsStatus.NoSpace, "the cluster is nearly full",
        "More than 85 % of what the chunk servers may take is used. Writes fail when none has room, and repair "
        + "needs room too. Delete something (and empty the trash), or add chunk servers.");

    /// <summary>A server takes no more.</summary>
    public static readonly ErrorCode ChunkServerFull = new(1561, FsStatus.NoSpace, "a chunk server is full",
        "It takes no new chunks. The others do; what it has is moved away when others are much emptier.");

    /// <summary>Copies that nobody knows.</summary>
    public static readonly ErrorCode CopiesUnknown = new(1562, FsStatus.Invalid, "copies that nothing explains",
        "They are of no chunk, or newer than their chunk, as if the metadata had been set back to an older "
        + "state. They are kept and not used. The leader's log names them. If the metaservers were restored from "
        + "an old backup, ask for help before anything is deleted.");

    /// <summary>A new leader does not know yet.</summary>
    public static readonly ErrorCode RepairUnknown = new(1563, FsStatus.TryAgain, "the leader looks through all chunks",
        "It has just begun to lead, and does not know yet which chunks need repair: the numbers are too low "
        + "until it is through.");
}
