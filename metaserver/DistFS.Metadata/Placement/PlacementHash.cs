using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>
/// Where chunks and servers stand on the ring: the same on every member and version, for ever. The mixer is that of
/// SplitMix64 (Stafford's variant 13), a bijection, so different numbers never collide.
/// </summary>
internal static class PlacementHash
{
    private const ulong ChunkSalt = 0x9E3779B97F4A7C15;
    private const ulong PairSalt = 0xA0761D6478BD642F;
    private const ulong TokenSalt = 0xD1B54A32D192ED03;

    /// <summary>Where a chunk starts its walk.</summary>
    public static ulong Of(ChunkId chunk) => Mix(chunk.Value + ChunkSalt);

    /// <summary>Where a server's token of that number stands.</summary>
    public static ulong OfToken(ServerId server, int token) =>
        Mix((((ulong)server.Value << 32) | (uint)token) ^ TokenSalt);

    /// <summary>A rank of something for a chunk: rendezvous hashing (Thaler and Ravishankar, 1998).</summary>
    public static ulong OfPair(ulong chunkHash, uint other) => Mix(chunkHash ^ Mix(other + PairSalt));

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
