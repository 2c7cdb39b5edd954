namespace DistFS.Protocol;

/// <summary>
/// The part of a metaserver's answer that says whether it leads: one that does not has done nothing, and names the
/// leader if it knows it.
/// </summary>
public interface INamesLeader
{
    /// <summary>The number of an error's code in the catalog; zero if there is none.</summary>
    int Code { get; }

    /// <summary>Who leads, if somebody else does and it is known.</summary>
    Leader? Leader { get; }
}

/// <content>Of chunk servers.</content>
public sealed partial class ServerAnswer : INamesLeader;

/// <content>Of clients that change something.</content>
public sealed partial class MetadataReply : INamesLeader;

/// <content>Of clients that read.</content>
public sealed partial class ReadReply : INamesLeader;

/// <content>Of clients that list a directory.</content>
public sealed partial class ReadDirectoryReply : INamesLeader;

/// <content>Of clients that wait for a lock.</content>
public sealed partial class WaitForLockReply : INamesLeader;

/// <content>Of clients with leases.</content>
public sealed partial class LeaseStatus : INamesLeader;
