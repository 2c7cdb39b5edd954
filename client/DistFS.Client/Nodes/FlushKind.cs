namespace DistFS.Client.Nodes;

/// <summary>What holds of all that was written when a flush ends.</summary>
public enum FlushKind
{
    /// <summary>It is the file's for everybody.</summary>
    Visible,

    /// <summary>It is on disks too, with its times (fsync).</summary>
    Durable,

    /// <summary>
    /// It is on disks, with all that is needed to read it (fdatasync): where the file has not grown, the metaservers
    /// are not asked. Its times are told later.
    /// </summary>
    DurableData,
}
