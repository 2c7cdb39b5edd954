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
}
