using DistFS.Metadata.Collection;
using DistFS.Metadata.Locks;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>The state for reading, whoever applies to it meanwhile: over a view of one moment.</summary>
public sealed class MetadataView
{
    private readonly Changes _changes;

    private MetadataView(Changes changes, ClusterRow cluster)
    {
        _changes = changes;
        Tree = new Tree(changes, cluster.NameKey);
    }

    /// <summary>The tree of that moment.</summary>
    public Tree Tree { get; }

    /// <summary>The last entry of which the effects are in it.</summary>
    public LogIndex Position => MetadataMachine.AppliedIn(_changes);

    /// <summary>Whether a step of collection, in an entry of that time, would find something to do.</summary>
    public bool HasCollectableAt(FileTime now) => Collector.HasWork(Tree, now);

    /// <summary>Whether somebody waits for a lock, and has not got it.</summary>
    public bool WaitsForLock(InodeId inode, LockKind kind, LockOwner owner, ulong number) =>
        Tree.Locks(inode).Waiting.Exists(one => one.Kind == kind && one.Owner == owner && one.Number == number);

    /// <summary>Over a store that does not change meanwhile; null before the cluster's first entry.</summary>
    public static MetadataView? Open(IOrderedStore store) =>
        ClusterRow.Find(new Changes(store)) is { } cluster ? Open(store, cluster) : null;

    /// <summary>Over a store that does not change meanwhile, and of which the cluster's row is known.</summary>
    public static MetadataView Open(IOrderedStore store, ClusterRow cluster) =>
        new(new Changes(store), cluster);
}
