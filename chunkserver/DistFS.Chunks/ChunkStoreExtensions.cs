using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>Shorter ways to use a store.</summary>
public static class ChunkStoreExtensions
{
    /// <summary>As the store's own, for pieces that nobody has looked at yet.</summary>
    /// <exception cref="DistFsException">
    /// A piece is damaged (<see cref="ErrorCatalog.BlockCorrupt"/>): nothing was stored.
    /// </exception>
    public static ValueTask WriteAsync(
        this IChunkStore store,
        ChunkId chunk,
        ChunkVersion version,
        ReadOnlyMemory<byte> pieces,
        bool isDurable,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(store);
        return VerifiedPieces.Verify(pieces, out var verified, out var block) is not PieceFault.None and var fault
            ? throw ChunkErrors.Block(chunk, block, fault)
            : store.WriteAsync(chunk, version, verified, isDurable, cancellation);
    }
}
