namespace DistFS.Simulation.Chains;

/// <summary>A read under way.</summary>
internal sealed record CellRead(ChainFile File, int Cell, IReadOnlyList<WriteKey> Floor, uint Version);

/// <summary>
/// What CRAQ promises (Terrace and Freedman, 2009, section 2.3): a read returns the bytes of one write of that cell,
/// never one older than what was acknowledged, or seen by another reader, before the read began; with two exceptions.
/// What was seen and not acknowledged when a version ended: in the next one its writer repeats, in order, all that was
/// not, so older bytes lie over newer ones for a while. And who reads in a version that has ended, of a server that was
/// dropped and does not know, may miss what was acknowledged after that version, as long as such a server may serve.
/// </summary>
internal sealed class ReadsAreFresh : ChainInvariant
{
    /// <summary>A dropped server deletes its copy, or its time to serve is over.</summary>
    public const long StaleMicrosecondsMax = 10_000_000;

    /// <inheritdoc/>
    public override string Name => "reads are fresh";

    /// <summary>Reads that missed what came after their version, as long as that is allowed.</summary>
    public int Stale { get; private set; }

    /// <summary>The version that a file's chunk has in the log.</summary>
    public required Func<ChainFile, uint> VersionOf { get; init; }

    /// <summary>A read begins.</summary>
    public CellRead Begin(ChainFile file, int cell, int count) => new(
        file, cell, [.. file.Ledger.Floor.Skip(cell).Take(count)], VersionOf(file));

    /// <summary>It has ended.</summary>
    /// <param name="read">The read.</param>
    /// <param name="version">In which version.</param>
    /// <param name="bytes">What was read.</param>
    /// <param name="now">When.</param>
    public void End(CellRead read, uint version, ReadOnlySpan<byte> bytes, long now)
    {
        for (var i = 0; i < read.Floor.Count; i++)
        {
            var (cell, ledger) = (read.Cell + i, read.File.Ledger);
            var id = ByteLedger.IdIn(bytes[(i * ByteLedger.CellBytes)..]);
            var key = ledger.KeyOf(cell, id);
            Must(key != null, $"{read.File} cell {cell}: {id} was never written there");
            if (key.Value.CompareTo(ledger.Forgiven(cell, read.Floor[i])) < 0)
            {
                var ended = ledger.FloorIn(version, cell);
                Must(
                    version < read.Version && ended is { } old && key.Value.CompareTo(old.Floor) >= 0
                    && now - old.EndedAt <= StaleMicrosecondsMax,
                    $"{read.File} cell {cell}: {key} read in v{version}, {read.Floor[i]} was there (v{read.Version})");
                Stale++;
                continue;
            }

            ledger.See(cell, id);
        }
    }
}
