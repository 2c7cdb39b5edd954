using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;

namespace DistFS.Simulation;

/// <summary>
/// The shipped check of all rows finds nothing: a tree without cycles, names counted right, orphans, opens, locks,
/// quotas, references and copies (docs/design/metadata.md, invariants 1 to 5 and 7).
/// </summary>
/// <remarks>It walks everything, so it is asked after every few entries only.</remarks>
public sealed class NamespaceIsSound(IOrderedStore store) : MetadataInvariant
{
    private const ulong Every = 4;

    /// <inheritdoc/>
    public override string Name => "the namespace is sound";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Index.Value % Every != 0 || ClusterRow.Find(new Changes(store)) is not { } cluster)
        {
            return;
        }

        var findings = TreeCheck.Run(store, cluster.NameKey);
        Must(findings.Count == 0, $"after {entry.Index}: {string.Join("; ", findings.Take(5))}");
    }
}
