using DistFS.Metadata;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation;

/// <summary>An entry of the log, and what it did to the rows of the metadata.</summary>
/// <param name="Index">Which.</param>
/// <param name="Command">What it says; empty for a no-op and for members.</param>
/// <param name="ReplyBytes">What was answered.</param>
/// <param name="Reply">The same.</param>
/// <param name="Time">Its logged time.</param>
/// <param name="Changes">What it changed.</param>
/// <param name="Machine">The state after it.</param>
public sealed record MetadataEntry(
    LogIndex Index,
    MetadataCommand Command,
    byte[] ReplyBytes,
    MetadataReply Reply,
    FileTime Time,
    IReadOnlyList<RowChange> Changes,
    MetadataMachine Machine)
{
    /// <summary>What it changed in a table.</summary>
    public IEnumerable<RowChange> Of(RowTable table) => Changes.Where(change => change.Key[0] == (byte)table
        && !(change.Before ?? []).AsSpan().SequenceEqual(change.After)
        || change.Key[0] == (byte)table && (change.Before == null) != (change.After == null));
}
