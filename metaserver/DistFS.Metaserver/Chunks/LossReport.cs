using DistFS.Metadata.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <summary>A copy that a server says it has lost.</summary>
/// <param name="Server">Which server.</param>
/// <param name="Copy">What it has lost.</param>
/// <param name="Position">Of the log, before it looked: what the state says of later entries, it may not know.</param>
internal readonly record struct LossReport(ServerId Server, LostCopy Copy, LogIndex Position)
{
    /// <summary>
    /// Whether this is of the copy that the state knows. A report of a version before the last commit, or from before
    /// the row changed, may be of an older copy, in whose place a good one has come since.
    /// </summary>
    public bool IsEvidenceOf(in ChunkRow row) =>
        Copy.Version >= row.Written.Value && Copy.Version <= row.Version.Value && row.ChangedAt <= Position;
}
