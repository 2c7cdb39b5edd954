using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Chunks;

/// <summary>Versions as chunk servers are told them.</summary>
public static class ChunkFences
{
    /// <summary>The version that a chunk has, for the servers of its chain.</summary>
    public static ChunkFence Of(ChunkId id, in ChunkRow row)
    {
        var fence = new ChunkFence
        {
            Chunk = id.Value,
            Version = row.Version.Value,
            Length = row.Length,
            KeepsBeyond = row.Kept > 0,
            Sealed = row.State == ChunkState.Sealed,
            Counts = row.DecidedServer?.Value ?? 0,
        };
        foreach (var server in row.Chain)
        {
            fence.Servers.Add(server.Value);
        }

        return fence;
    }
}
