using System.Diagnostics.CodeAnalysis;
using DistFS.Chunks;
using DistFS.Metadata.Chunks;
using DistFS.Primitives;

namespace DistFS.Simulation.Chains;

/// <summary>A copy of a chunk, as it is on a disk.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Server">Of which server.</param>
/// <param name="Info">What the store says of it.</param>
/// <param name="Ids">What is in its cells; none of one that cannot be read.</param>
internal sealed record CopyView(string Machine, ServerId Server, ChunkInfo Info, IReadOnlyList<long> Ids);

/// <summary>A chunk: what the log says of it, and all copies of its servers.</summary>
/// <param name="File">Whose.</param>
/// <param name="Row">In the log.</param>
/// <param name="Copies">Of the servers in the row only.</param>
internal sealed record ChunkView(ChainFile File, ChunkRow Row, IReadOnlyList<CopyView> Copies)
{
    /// <summary>The copies that count.</summary>
    public IEnumerable<CopyView> Good => Copies.Where(IsGood);

    /// <summary>
    /// Whether a copy counts: by the log, and by its own store, which may know that it crashed before the log does.
    /// </summary>
    public bool IsGood(CopyView copy) => !Row.IsBad(copy.Server)
        && copy.Info is { State: Chunks.ChunkState.Serving, IsUnclean: false };

    /// <summary>Whether some copies have all that was acknowledged, if nothing is left of the others.</summary>
    public bool HasAllIn(Func<CopyView, bool> isLeft)
    {
        var others = this with { Copies = [.. Copies.Where(isLeft)] };
        return others.Good.Any() && Enumerable.Range(0, File.Ledger.Cells)
            .All(cell => others.Best(cell).CompareTo(File.Ledger.Promised[cell]) >= 0);
    }

    /// <summary>The latest write of a cell that a good copy has.</summary>
    public WriteKey Best(int cell) => Good
        .Select(copy => File.Ledger.KeyOf(cell, copy.Ids[cell]) ?? default)
        .Aggregate(default(WriteKey), WriteKey.Max);
}

/// <summary>Something that must hold of chunks. To add one: a class, a line in ChainInvariants, a test.</summary>
internal abstract class ChainInvariant
{
    /// <summary>What it says, in a few words.</summary>
    public abstract string Name { get; }

    /// <summary>Fails the seed unless <paramref name="holds"/>.</summary>
    protected void Must([DoesNotReturnIf(false)] bool holds, FormattableString detail)
    {
        if (!holds)
        {
            throw new InvariantException(Name, FormattableString.Invariant(detail));
        }
    }
}
