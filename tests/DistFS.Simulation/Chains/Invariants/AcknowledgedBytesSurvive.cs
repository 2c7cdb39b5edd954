namespace DistFS.Simulation.Chains;

/// <summary>
/// What was acknowledged is in a copy that counts. Two things alone may take it away: the crash of the last copy that
/// counts and has it without a sync, and a decision that the others go on without one that is down. What was synced, or
/// acknowledged as durable, is never taken away.
/// </summary>
internal sealed class AcknowledgedBytesSurvive : ChainInvariant
{
    /// <inheritdoc/>
    public override string Name => "acknowledged bytes survive";

    /// <summary>Something happened to a chunk.</summary>
    public void Check(ChunkView chunk)
    {
        var ledger = chunk.File.Ledger;
        if (!chunk.Good.Any())
        {
            // Nobody can read it: what is durable is on the disks all the same.
            CheckDurable(chunk);
            return;
        }

        for (var cell = 0; cell < ledger.Cells; cell++)
        {
            var best = chunk.Best(cell);
            Must(
                best.CompareTo(ledger.Promised[cell]) >= 0,
                $"{chunk.File} cell {cell}: {best} is the best of {Show(chunk, cell)}, {ledger.Promised[cell]} lost");
        }
    }

    /// <summary>A copy has crashed, or it was decided which one is the chunk.</summary>
    public void Forgive(ChunkView chunk)
    {
        CheckDurable(chunk);
        chunk.File.Ledger.Crashes++;
        ForgiveLate(chunk);
    }

    /// <summary>A writer hears of what was acknowledged before a crash.</summary>
    public static void ForgiveLate(ChunkView chunk)
    {
        for (var cell = 0; cell < chunk.File.Ledger.Cells; cell++)
        {
            chunk.File.Ledger.Forgive(cell, chunk.Best(cell));
        }
    }

    private void CheckDurable(ChunkView chunk)
    {
        var ledger = chunk.File.Ledger;
        for (var cell = 0; cell < ledger.Cells; cell++)
        {
            var best = chunk.Copies.Where(static copy => copy.Ids.Count > 0)
                .Select(copy => ledger.KeyOf(cell, copy.Ids[cell]) ?? default)
                .Aggregate(default(WriteKey), WriteKey.Max);
            Must(
                best.CompareTo(ledger.Durable[cell]) >= 0,
                $"{chunk.File} cell {cell}: durable {ledger.Durable[cell]} is on no disk of {Show(chunk, cell)}");
        }
    }

    private static string Show(ChunkView chunk, int cell) =>
        $"{chunk.Row.Version} " + string.Join(", ", chunk.Copies.Select(copy =>
            $"{copy.Machine}{(chunk.IsGood(copy) ? "" : " (bad)")} {copy.Info.Version} "
            + (copy.Ids.Count == 0 ? $"{copy.Info.State}" : $"{chunk.File.Ledger.KeyOf(cell, copy.Ids[cell])}")));
}
