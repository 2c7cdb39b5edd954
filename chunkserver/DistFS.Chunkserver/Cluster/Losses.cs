using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Cluster;

/// <summary>
/// Copies that this server found to be lost, by chunk: told with every heartbeat, by turns if they are many, until the
/// server is ordered to delete or to make them.
/// </summary>
internal sealed class Losses
{
    private readonly SortedDictionary<ulong, LostCopy> _copies = [];
    private ulong _toldUpTo;

    /// <summary>How many.</summary>
    public int Count => _copies.Count;

    /// <summary>A copy is lost. Of two reports that of the higher version counts.</summary>
    public void Add(LostCopy copy)
    {
        if (!_copies.TryGetValue(copy.Chunk, out var known) || known.Version <= copy.Version)
        {
            _copies[copy.Chunk] = copy.Clone();
        }
    }

    /// <summary>The chunk came to a version, also here: what is lost is lost in that one.</summary>
    public void VersionBegun(ChunkId chunk, ChunkVersion version)
    {
        if (_copies.TryGetValue(chunk.Value, out var known) && known.Version < version.Value)
        {
            known.Version = version.Value;
        }
    }

    /// <summary>Whatever was lost of this chunk is no loss any more: it is to be made, or has come.</summary>
    public void Remove(ulong chunk) => _copies.Remove(chunk);

    /// <summary>A copy up to that version is to be deleted.</summary>
    public void Remove(DeleteOrder order)
    {
        if (_copies.TryGetValue(order.Chunk, out var known) && known.Version <= order.Version)
        {
            _copies.Remove(order.Chunk);
        }
    }

    /// <summary>The next ones, from where the last call ended, and around.</summary>
    public IEnumerable<LostCopy> Turn(int max)
    {
        if (_copies.Count <= max)
        {
            return [.. _copies.Values.Select(static copy => copy.Clone())];
        }

        var after = _toldUpTo;
        List<LostCopy> turn =
        [
            .. _copies.Values.SkipWhile(copy => copy.Chunk <= after).Take(max).Select(static copy => copy.Clone()),
        ];
        turn.AddRange(_copies.Values.Take(max - turn.Count).Select(static copy => copy.Clone()));
        _toldUpTo = turn[^1].Chunk;
        return turn;
    }
}
