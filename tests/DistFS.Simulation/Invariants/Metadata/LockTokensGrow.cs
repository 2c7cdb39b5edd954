using DistFS.Metadata.Locks;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// Every lock that is granted has a token higher than all before, on whatever inode; locks that are held never
/// conflict.
/// </summary>
public sealed class LockTokensGrow : MetadataInvariant
{
    private ulong _highest;

    /// <inheritdoc/>
    public override string Name => "tokens of locks only grow";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var highest = _highest;
        foreach (var change in entry.Of(RowTable.Locks))
        {
            var inode = RowKey.InodeOf(change.Key);
            var before = Held(change.Before);
            var after = Held(change.After);
            foreach (var one in after)
            {
                if (!before.Exists(old => old.Number == one.Number))
                {
                    Must(
                        one.Number > _highest,
                        $"{inode} is locked under {one.Number} at {entry.Index}, after {_highest} was given");
                    highest = Math.Max(highest, one.Number);
                }
            }

            MustNotConflict(entry, inode, after);
        }

        _highest = highest;
    }

    private void MustNotConflict(MetadataEntry entry, InodeId inode, List<FileLock> held)
    {
        foreach (var one in held)
        {
            foreach (var other in held)
            {
                Must(
                    one.Kind != other.Kind || one.Owner == other.Owner || !(one.IsExclusive || other.IsExclusive)
                    || one.First > other.Last || other.First > one.Last,
                    $"{inode} is locked by {one.Owner} and {other.Owner} after {entry.Index}");
            }
        }
    }

    private static List<FileLock> Held(byte[]? row)
    {
        var (held, waiting) = (new List<FileLock>(), new List<FileLock>());
        if (row != null)
        {
            LocksRow.Read(row, held, waiting);
        }

        return held;
    }
}
