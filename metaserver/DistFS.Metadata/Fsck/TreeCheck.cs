using DistFS.Metadata.Store;

namespace DistFS.Metadata.Fsck;

/// <summary>All of <see cref="MetadataCheck"/> at once: for tests and the simulator.</summary>
public static class TreeCheck
{
    /// <summary>What is wrong with the rows of a store; nothing in a sound one, at most 1,000 lines.</summary>
    /// <param name="store">The rows.</param>
    /// <param name="nameKey">The cluster's key of the hashes of names.</param>
    public static IReadOnlyList<string> Run(IOrderedStore store, UInt128 nameKey)
    {
        var check = new MetadataCheck(store, nameKey);
        while (check.Step(int.MaxValue))
        {
        }

        return [.. check.Findings.Select(static finding => finding.Text)];
    }
}
