using System.Buffers.Binary;
using DistFS.Metadata.Leases;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// Beside one that believes, by its own clock, that it may write an inode by itself, nobody believes anything of it;
/// and no change of it comes into the log while another session believes anything (docs/design/leases.md, invariants 1
/// and 2). What was written comes into the log in the order in which it was written, and never after its session ended.
/// </summary>
public sealed class LeasesExclude(LeasedValues values) : MetadataInvariant
{
    /// <inheritdoc/>
    public override string Name => "leases exclude";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        foreach (var change in entry.Of(RowTable.Session))
        {
            if (change.After == null)
            {
                values.Ended(new ClientId(RowKey.InodeOf(change.Key).Value));
            }
        }

        foreach (var change in entry.Of(RowTable.Xattr))
        {
            if (change.After is { Length: >= sizeof(ulong) } row
                && RowKey.XattrNameOf(change.Key).SequenceEqual(LeasedValues.Name.Span))
            {
                InLog(entry, RowKey.InodeOf(change.Key).Value, BinaryPrimitives.ReadUInt64LittleEndian(
                    row.AsSpan(row.Length - sizeof(ulong))));
            }
        }
    }

    /// <summary>A client begins to believe something of an inode.</summary>
    public void OnBelief(ILeaseHolder holder, ulong inode)
    {
        ArgumentNullException.ThrowIfNull(holder);
        var mode = holder.Believes(inode);
        foreach (var other in values.Holders)
        {
            var others = other == holder ? LeaseMode.None : other.Believes(inode);
            Must(
                mode == LeaseMode.None || others == LeaseMode.None
                || (mode == LeaseMode.Read && others == LeaseMode.Read),
                $"{holder} believes in a lease to {mode} {new InodeId(inode)}, and {other} in one to {others}");
        }
    }

    /// <summary>A session that lives says to a new leader what it has, and is told that it has it not.</summary>
    public void OnNotReclaimed(ILeaseHolder holder, ulong inode) =>
        Must(false, $"{holder} has a lease of {new InodeId(inode)}, and cannot reclaim it");

    /// <summary>A client is told that its session is over, and throws away what it has.</summary>
    public void OnToldOver(ILeaseHolder holder)
    {
        ArgumentNullException.ThrowIfNull(holder);
        Must(values.HasEnded(holder.Session), $"{holder} is told that it is over, and is not");
    }

    private void InLog(MetadataEntry entry, ulong inode, ulong named)
    {
        var latest = values.LatestInLog(inode);
        if (values.InLog(named) is not { } value)
        {
            return;
        }

        Must(!value.IsLost, $"{value.Session} changes {new InodeId(inode)} at {entry.Index}, after its end");
        Must(
            value.Place > latest,
            $"{value.Session} puts write {value.Place} of {new InodeId(inode)} over {latest} at {entry.Index}");
        foreach (var holder in values.Holders)
        {
            Must(
                holder.Session == value.Session || holder.Believes(inode) == LeaseMode.None,
                $"{value.Session} changes {new InodeId(inode)} at {entry.Index}, and {holder} believes in its lease");
        }
    }
}
