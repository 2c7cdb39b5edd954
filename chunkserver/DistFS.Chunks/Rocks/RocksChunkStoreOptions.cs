using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>How a store is opened.</summary>
public sealed record RocksChunkStoreOptions
{
    /// <summary>The folder; of this store alone.</summary>
    public required string Folder { get; init; }

    /// <summary>
    /// Whether a store is made where there is none. Explicit, since the folder of a disk that is not mounted is empty.
    /// </summary>
    public required bool CreateIfMissing { get; init; }

    /// <summary>The cluster that it must be of, once it is known; null for any.</summary>
    public ClusterId? Cluster { get; init; }

    /// <summary>The chunk server that it must be of, once it is known; null for any.</summary>
    public ServerId? Server { get; init; }

    /// <summary>With fewer bytes free on the disk, nothing is written; deletes go on.</summary>
    public long ReserveBytes { get; init; } = 1L << 30;

    /// <summary>Bytes in a file that is given up when the disk is full all the same, so that deletes work.</summary>
    public int BallastBytes { get; init; } = 32 << 20;

    /// <summary>Parts that are open at a time, each with about 1 MiB of memory.</summary>
    public int PartsOpenMax { get; init; } = 64;

    /// <summary>Bytes written front to back from which on they are a file of their own.</summary>
    public int PartBytesMin { get; init; } = 1 << 20;

    /// <summary>Milliseconds without a write after which a part is ended, or a chunk written anew.</summary>
    public int IdleMs { get; init; } = 5_000;

    /// <summary>Bytes of small writes from which on a chunk may be written anew.</summary>
    public int RewriteBytesMin { get; init; } = 1 << 20;

    /// <summary>Table files that are held open, each with its index, 20 KiB or so, in memory.</summary>
    public int OpenFilesMax { get; init; } = 1024;

    /// <summary>Chunks whose rows are held in memory.</summary>
    public int ChunksCached { get; init; } = 8192;

    /// <summary>
    /// Holds contents of blocks for small reads, of other stores too; null: each small read reads its block.
    /// </summary>
    public ContentCache? Contents { get; init; }

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(Folder);
        ArgumentOutOfRangeException.ThrowIfNegative(ReserveBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(BallastBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(PartsOpenMax, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(PartBytesMin, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(IdleMs);
        ArgumentOutOfRangeException.ThrowIfLessThan(RewriteBytesMin, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(OpenFilesMax, 16);
        ArgumentOutOfRangeException.ThrowIfLessThan(ChunksCached, 1);
    }
}
