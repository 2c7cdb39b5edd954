using DistFS.Primitives;

namespace DistFS.Blocks;

/// <summary>How a chunk is divided.</summary>
public static class ChunkLayout
{
    /// <summary>Bytes of a block, before compression.</summary>
    public const int BlockBytes = 64 << 10;

    /// <summary>Blocks of a chunk at most.</summary>
    public const int BlocksMax = 1024;

    /// <summary>Blocks of one read over the network at most: with their patches they fit a frame.</summary>
    public const int ReadBlocksMax = 16;

    /// <summary>Bytes of a chunk at most.</summary>
    public const int ChunkBytes = BlockBytes * BlocksMax;

    /// <summary>The blocks that <paramref name="length"/> bytes of a chunk lie in.</summary>
    public static int BlocksOf(uint length) => (int)(((ulong)length + BlockBytes - 1) / BlockBytes);

    /// <summary>The block that a byte of a chunk lies in.</summary>
    public static BlockIndex BlockOf(uint offset) => new(offset / BlockBytes);
}
