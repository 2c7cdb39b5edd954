using DistFS.Metadata.Chunks;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// A chunk's id is given once, and one that is gone never comes back; its version only grows, and does when its length
/// falls or one of its servers is dropped: so no bytes that were cut off come back, and no order to delete fits a copy
/// that is made later.
/// </summary>
public sealed class ChunkVersionsGrow : MetadataInvariant
{
    private ulong _newest;

    /// <inheritdoc/>
    public override string Name => "versions of chunks only grow";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var newest = _newest;
        foreach (var change in entry.Of(RowTable.Chunk))
        {
            var id = RowKey.InodeOf(change.Key).Value;
            if (change.Before == null)
            {
                Must(id > _newest, $"{new ChunkId(id)} comes back at {entry.Index}");
                newest = Math.Max(newest, id);
            }
            else if (change.After != null)
            {
                MustGrow(entry, new ChunkId(id), ChunkRow.Read(change.Before), ChunkRow.Read(change.After));
            }
        }

        _newest = newest;
    }

    private void MustGrow(MetadataEntry entry, ChunkId id, ChunkRow before, ChunkRow after)
    {
        Must(
            after.Version.Value >= before.Version.Value,
            $"{id} goes from {before.Version} back to {after.Version} at {entry.Index}");
        var isSame = after.Version == before.Version;
        Must(
            !isSame || after.Length >= before.Length,
            $"{id} falls to {after.Length} bytes at {entry.Index} in {after.Version}: what was cut off can come back");
        Must(
            !isSame || before.Replicas.ToArray().All(server => after.IsOn(server)),
            $"{id} loses a server at {entry.Index} and stays {after.Version}");
        Must(
            !isSame || before.State == ChunkState.Open || after.State == ChunkState.Sealed,
            $"{id} is opened at {entry.Index} and stays {after.Version}");
    }
}
