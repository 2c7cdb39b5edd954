namespace DistFS.Metadata.Chunks;

/// <summary>How a file is cut, and what is done of it in one entry of the log.</summary>
public static class ChunkLayout
{
    /// <summary>Bytes of a file in one chunk.</summary>
    public const int ChunkBytes = 64 << 20;

    /// <summary>Bytes of a file that may stand in its metadata instead of its first chunk.</summary>
    public const int InlineBytesMax = 16 << 10;

    /// <summary>Longest file: 1 EiB.</summary>
    public const long FileBytesMax = 1L << 60;

    /// <summary>Chunks that one operation names.</summary>
    public const int NamedMax = 64;

    /// <summary>Chunks that one operation may release or share, so that no entry takes long.</summary>
    public const int StepMax = 1024;

    /// <summary>The chunk of a byte.</summary>
    public static ulong IndexOf(long offset) => (ulong)(offset / ChunkBytes);

    /// <summary>The first byte of a chunk.</summary>
    public static long OffsetOf(ulong index) => (long)index * ChunkBytes;

    /// <summary>The first chunk that has no byte before an offset.</summary>
    public static ulong IndexAfter(long offset) => (ulong)((offset + ChunkBytes - 1) / ChunkBytes);
}
