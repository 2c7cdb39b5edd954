using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// Who looks at an inode, in its cache or at the leader's, sees every write to it that was acknowledged before it
/// began: from a buffer under a lease, or through the log. Only what a session that ended had in its buffer is lost.
/// </summary>
public sealed class LeasedReadsAreFresh(LeasedValues values) : MetadataInvariant
{
    /// <inheritdoc/>
    public override string Name => "reads under leases are fresh";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        // Told by those who read.
    }

    /// <summary>A client has read a value.</summary>
    /// <param name="reader">Who.</param>
    /// <param name="inode">Of which inode.</param>
    /// <param name="value">What.</param>
    /// <param name="seen">What had to be seen when it began.</param>
    public void OnRead(object reader, ulong inode, ulong value, long seen)
    {
        var (place, required) = (values.PlaceOf(value), values.Required(inode, seen));
        Must(
            place >= required,
            $"{reader} reads write {place} of {new InodeId(inode)}, and {required} was acknowledged before");
    }

    /// <summary>The world is over: what was acknowledged is in the log, or was lost with its session.</summary>
    public void OnEnd()
    {
        foreach (var inode in values.Inodes)
        {
            var (latest, required) = (values.LatestInLog(inode), values.Required(inode, values.Seen(inode)));
            Must(latest >= required, $"write {required} of {new InodeId(inode)} is lost: the log has {latest}");
        }
    }
}
