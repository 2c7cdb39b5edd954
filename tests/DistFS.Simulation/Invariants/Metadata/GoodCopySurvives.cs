using DistFS.Metadata.Chunks;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// Of every chunk with committed bytes a server that has it by the state has them on its disk: nothing gives up the
/// last good copy.
/// </summary>
public sealed class GoodCopySurvives(ChunkServers servers) : MetadataInvariant
{
    /// <inheritdoc/>
    public override string Name => "a good copy survives";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        foreach (var change in entry.Of(RowTable.Chunk))
        {
            if (change.After == null)
            {
                continue;
            }

            var (id, chunk) = (RowKey.InodeOf(change.Key).Value, ChunkRow.Read(change.After));
            Must(
                chunk.Length == 0 || servers.HasGood(id, chunk),
                $"{new ChunkId(id)} has {chunk.Length} bytes after {entry.Index}, and no server has them");
        }
    }
}
