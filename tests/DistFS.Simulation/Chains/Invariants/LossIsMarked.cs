namespace DistFS.Simulation.Chains;

/// <summary>A copy that has lost in a crash what was acknowledged says so: it is unclean, or not there.</summary>
internal sealed class LossIsMarked : ChainInvariant
{
    /// <inheritdoc/>
    public override string Name => "what a crash took from a copy is marked";

    /// <summary>A server has crashed.</summary>
    /// <param name="before">Its copy before.</param>
    /// <param name="after">And after.</param>
    /// <param name="file">Of which file.</param>
    public void Check(ChainFile file, CopyView before, CopyView after)
    {
        if (before.Ids.Count == 0 || after.Ids.Count == 0 || after.Info.IsUnclean)
        {
            return;
        }

        for (var cell = 0; cell < file.Ledger.Cells; cell++)
        {
            var (had, has) = (file.Ledger.KeyOf(cell, before.Ids[cell]), file.Ledger.KeyOf(cell, after.Ids[cell]));
            Must(
                had == has || !file.Ledger.IsAcknowledged(before.Ids[cell]),
                $"{after.Machine} {file} cell {cell}: {had} before the crash, {has} after it, and is clean");
        }
    }
}
