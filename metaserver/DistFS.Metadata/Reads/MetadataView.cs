using DistFS.Metadata.Collection;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>The state for reading, whoever applies to it meanwhile: over a view of one moment.</summary>
public sealed class MetadataView
{
    private MetadataView(Tree tree) => Tree = tree;

    /// <summary>The tree of that moment.</summary>
    public Tree Tree { get; }

    /// <summary>Whether a step of collection, in an entry of that time, would find something to do.</summary>
    public bool HasCollectableAt(FileTime now) => Collector.HasWork(Tree, now);

    /// <summary>Over a store that does not change meanwhile; null before the cluster's first entry.</summary>
    public static MetadataView? Open(IOrderedStore store) =>
        ClusterRow.Find(new Changes(store)) is { } cluster ? Open(store, cluster) : null;

    /// <summary>Over a store that does not change meanwhile, and of which the cluster's row is known.</summary>
    public static MetadataView Open(IOrderedStore store, ClusterRow cluster) =>
        new(new Tree(new Changes(store), cluster.NameKey));
}
