namespace DistFS.Primitives;

/// <content>132x: metaservers among each other; 133x: what they tell others.</content>
public static partial class ErrorCatalog
{
    /// <summary>A metaserver of another cluster, or one that takes this one for somebody else.</summary>
    public static readonly ErrorCode ClusterForeign = new(1320, FsStatus.Invalid, "metaserver of another cluster",
        "A metaserver sent messages of another cluster, or for another member than the one that listens here: an "
        + "address in its configuration is wrong, or an address was given to another machine. Nothing of it was used. "
        + "Correct the address of the member.");

    /// <summary>A metaserver sends what this version cannot read.</summary>
    public static readonly ErrorCode ConsensusVersion =
        new(1321, FsStatus.NotSupported, "metaserver of another version",
        "A metaserver sent messages that this version of DistFS cannot read. Upgrade the older of the two: all "
        + "metaservers may differ by one minor version at most.");

    /// <summary>The driver of the consensus core stopped after an error that it must not go on after.</summary>
    public static readonly ErrorCode MemberStopped = new(1322, FsStatus.IoError, "metaserver stopped itself",
        "A part of the metaserver failed in a way after which it cannot vouch for what it says, so it stopped before "
        + "saying anything more. The other metaservers go on. The message names the cause; after a restart it finds "
        + "out by itself what it has.");

    /// <summary>This metaserver does not lead.</summary>
    public static readonly ErrorCode NotLeader = new(1330, FsStatus.TryAgain, "metaserver does not lead",
        "The metaserver that was asked does not lead its cluster, or has just lost its leadership. Ask the one that it "
        + "names; clients do so by themselves. If none leads for longer than a few seconds, a majority of the "
        + "metaservers is down or cannot be reached: see dfs status.");

    /// <summary>The cluster's first entry is not there yet.</summary>
    public static readonly ErrorCode ClusterStarting = new(1331, FsStatus.TryAgain, "cluster is starting",
        "The cluster is new, and its first metaserver has not yet written its first entry. This takes a moment; "
        + "clients ask again by themselves.");

    /// <summary>The member was removed from its cluster.</summary>
    public static readonly ErrorCode MemberRemoved = new(1340, FsStatus.Stale, "metaserver was removed",
        "The metaserver of this data folder was removed from its cluster, and the others do not listen to it any more. "
        + "Nothing of its folder is needed; to have it back, start it with an empty folder and --join.");

    /// <summary>Two processes with one data folder.</summary>
    public static readonly ErrorCode MemberTwice = new(1341, FsStatus.AlreadyExists, "metaserver runs twice",
        "A metaserver with this data folder already runs at another address: the folder was copied. Two of them could "
        + "promise opposite things, so this one does not start. Remove the copy, and join with an empty folder.");

    /// <summary>Another member has the address.</summary>
    public static readonly ErrorCode MemberAddressTaken =
        new(1342, FsStatus.AddressInUse, "address of another metaserver",
        "The address that the metaserver announces belongs to another member of the cluster, or nobody else could "
        + "reach it (0.0.0.0). Choose another one with --listen, or remove that member first.");

    /// <summary>There is no such member.</summary>
    public static readonly ErrorCode MemberUnknown = new(1343, FsStatus.NotFound, "no such metaserver",
        "The cluster has no metaserver of this number. 'dfs members' lists those that it has.");

    /// <summary>A change of the members that would leave the cluster without a majority.</summary>
    public static readonly ErrorCode MembersTooFew = new(1344, FsStatus.NotPermitted, "too few metaservers left",
        "Without this member no majority of the others would be alive, so that nothing could be written, and nobody "
        + "could be added or removed any more. Start the others first, or join new ones. The last member is never "
        + "removed. --force removes it all the same, for members that seem dead and are known to come back.");

    /// <summary>More members than a cluster may have.</summary>
    public static readonly ErrorCode MembersTooMany = new(1345, FsStatus.NoSpace, "too many metaservers",
        "A cluster has at most 32 metaservers; 3 or 5 are usual. Remove one first.");

    /// <summary>A new member found no leader to take it.</summary>
    public static readonly ErrorCode JoinFailed = new(1346, FsStatus.TimedOut, "cannot join",
        "None of the addresses given with --join answered for a cluster with a leader in time; the message has the "
        + "last answer. Check the addresses and that a majority of the metaservers runs. Starting again goes on where "
        + "this one stopped.");

    /// <summary>The leadership stayed where it was.</summary>
    public static readonly ErrorCode TransferFailed = new(1347, FsStatus.TryAgain, "leadership not handed over",
        "The leadership was not handed over: the member does not vote, is not alive, or lacks too much of the log. "
        + "'dfs members' shows which can take it.");
}
