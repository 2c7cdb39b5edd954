namespace DistFS.Simulation.Chains;

/// <summary>When all is quiet, the copies of a sealed chunk have the same in every cell.</summary>
internal sealed class QuietCopiesAreEqual : ChainInvariant
{
    /// <inheritdoc/>
    public override string Name => "copies are equal when all is quiet";

    /// <summary>The world is at its end.</summary>
    public void Check(ChunkView chunk)
    {
        var first = chunk.Good.FirstOrDefault();
        foreach (var other in chunk.Good)
        {
            Must(
                other.Ids.SequenceEqual(first!.Ids),
                $"{chunk.File} {chunk.Row.Version}: {Show(first)}, {Show(other)}");
        }
    }

    private static string Show(CopyView copy) => $"{copy.Machine} has {string.Join(' ', copy.Ids)}";
}
