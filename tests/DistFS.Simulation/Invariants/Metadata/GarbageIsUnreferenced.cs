using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation;

/// <summary>
/// What a server is told to delete is no copy of a chunk that a file names; and it is forgotten only when the server
/// has said that it is gone, or will never come back.
/// </summary>
public sealed class GarbageIsUnreferenced : MetadataInvariant
{
    private readonly Dictionary<ulong, int> _references = [];

    /// <inheritdoc/>
    public override string Name => "garbage is nobody's";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        foreach (var change in entry.Of(RowTable.Map))
        {
            Refer(change.Before, -1);
            Refer(change.After, 1);
        }

        foreach (var change in entry.Of(RowTable.Garbage))
        {
            var (server, chunk) = (
                new ServerId((uint)RowKey.InodeOf(change.Key).Value), new ChunkId(RowKey.CookieOf(change.Key)));
            if (change.After == null)
            {
                Must(
                    entry.Command.KindCase is MetadataCommand.KindOneofCase.ConfirmDeleted
                        or MetadataCommand.KindOneofCase.ForgetServer,
                    $"{server} need not delete {chunk} any more after {entry.Index}");
                continue;
            }

            var isThere = entry.Machine.Tree!.Chunks.TryGet(chunk, out var row);
            Must(!isThere || !row.IsOn(server), $"{server} is to delete {chunk} after {entry.Index}, and to have it");
            Must(
                isThere || _references.GetValueOrDefault(chunk.Value) == 0,
                $"{chunk} is garbage after {entry.Index}, and a file names it");
        }
    }

    private void Refer(byte[]? row, int by)
    {
        if (row == null)
        {
            return;
        }

        var place = DistFS.Metadata.Chunks.MapRow.Read(row);
        foreach (var chunk in (ReadOnlySpan<ChunkId>)[place.Chunk, place.Replacement])
        {
            _references[chunk.Value] = _references.GetValueOrDefault(chunk.Value) + by;
        }
    }
}
