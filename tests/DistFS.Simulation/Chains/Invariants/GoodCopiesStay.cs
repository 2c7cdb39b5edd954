namespace DistFS.Simulation.Chains;

/// <summary>No server deletes a copy that the log counts on.</summary>
internal sealed class GoodCopiesStay : ChainInvariant
{
    /// <inheritdoc/>
    public override string Name => "no copy is deleted that the log counts on";

    /// <summary>A copy is about to be deleted.</summary>
    public void Check(ChunkView chunk, CopyView copy) => Must(
        chunk.Row.Length == 0 || !chunk.Row.IsOn(copy.Server) || !chunk.IsGood(copy),
        $"{copy.Machine} deletes {chunk.File} {copy.Info}, the log has {chunk.Row.Version}");
}
