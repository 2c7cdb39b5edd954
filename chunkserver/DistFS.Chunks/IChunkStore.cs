using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>
/// The chunks of one disk (docs/design/chunk-store.md). Safe for concurrent use.
/// </summary>
/// <remarks>
/// <para>
/// The usual errors, all <see cref="DistFsException"/>: <see cref="ErrorCatalog.ChunkUnknown"/>,
/// <see cref="ErrorCatalog.ChunkVersionStale"/> and <see cref="ErrorCatalog.ChunkVersionUnknown"/> where a version is
/// named, <see cref="ErrorCatalog.ChunkLost"/>, <see cref="ErrorCatalog.ChunkIncomplete"/>,
/// <see cref="ErrorCatalog.ChunkRangeInvalid"/>, and, from every member once the disk failed,
/// <see cref="ErrorCatalog.ChunkStoreFailed"/>. An error means that nothing was changed, but for
/// <see cref="ErrorCatalog.ChunkStoreFailed"/>, after which a change may have happened or not.
/// </para>
/// <para>
/// A task that is done means: reads see the change. Durable means: so do reads after a crash. What was not asked to be
/// durable may be lost in a crash, in any part, until <see cref="SyncAsync"/>. Changes of one chunk happen in the order
/// in which the methods were called. A cancelled token gives up waiting, not the change.
/// </para>
/// </remarks>
public interface IChunkStore : IAsyncDisposable
{
    /// <summary>Raised once, when the store ended since its disk failed; on any thread.</summary>
    event EventHandler<StoreFailedEventArgs>? Failed;

    /// <summary>Whose store it is.</summary>
    StoreIdentity Identity { get; }

    /// <summary>Space of the disk, as it was looked at within the last second or so.</summary>
    StoreSpace Space { get; }

    /// <summary>How far the scrubber is.</summary>
    ScrubMark ScrubMark { get; }

    /// <summary>Writes down whose store it is. Durable. The same once more is no error.</summary>
    /// <exception cref="DistFsException">
    /// It belongs to another cluster or server (<see cref="ErrorCatalog.ChunkStoreForeign"/>).
    /// </exception>
    ValueTask SetOwnerAsync(ClusterId cluster, ServerId server, CancellationToken cancellation);

    /// <summary>Looks up a chunk.</summary>
    bool TryGet(ChunkId chunk, out ChunkInfo info);

    /// <summary>Lists chunks by id, without looking at their blocks.</summary>
    /// <param name="from">The first id that is listed.</param>
    /// <param name="destination">Gets the chunks.</param>
    /// <returns>How many; fewer than the destination takes means that there are no more.</returns>
    int List(ChunkId from, Span<ChunkInfo> destination);

    /// <summary>
    /// Makes an empty chunk that serves. One that is there, empty or not, in this version and not by a copy, is no
    /// error. Survives the death of the process; the next durable write or sync of it makes it durable.
    /// </summary>
    /// <exception cref="DistFsException">
    /// It is there in an older version, or by a copy (<see cref="ErrorCatalog.ChunkExists"/>).
    /// </exception>
    ValueTask CreateAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation);

    /// <summary>
    /// Stores pieces of a chunk, all or none, each over what was there before. The chunk grows to the end of what is
    /// written (but not by zeros).
    /// </summary>
    /// <param name="chunk">A chunk that serves and is not sealed, or is being copied.</param>
    /// <param name="version">Its version.</param>
    /// <param name="pieces">
    /// Pieces one behind the other, by block in ascending order (several of one block: as they lie over each other);
    /// not to be changed before the task is done. At most <see cref="StoreLimits.WriteBytesMax"/> bytes.
    /// </param>
    /// <param name="isDurable">Whether it is to be durable.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="DistFsException">
    /// The chunk is sealed (<see cref="ErrorCatalog.ChunkSealed"/>), the disk is full
    /// (<see cref="ErrorCatalog.ChunkStoreFull"/>).
    /// </exception>
    ValueTask WriteAsync(
        ChunkId chunk,
        ChunkVersion version,
        VerifiedPieces pieces,
        bool isDurable,
        CancellationToken cancellation);

    /// <summary>
    /// Gives a chunk that serves a length: what is beyond is gone for good, what is missing is zeros.
    /// </summary>
    ValueTask TruncateAsync(
        ChunkId chunk, ChunkVersion version, uint length, bool isDurable, CancellationToken cancellation);

    /// <summary>Replaces bytes of a chunk that serves by zeros. Its length stays.</summary>
    ValueTask PunchAsync(
        ChunkId chunk,
        ChunkVersion version,
        uint offset,
        uint length,
        bool isDurable,
        CancellationToken cancellation);

    /// <summary>Makes everything durable that was done to a chunk before.</summary>
    ValueTask SyncAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation);

    /// <summary>As <see cref="SyncAsync"/>, and nothing more is written in this version.</summary>
    ValueTask SealAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation);

    /// <summary>
    /// Begins versions, durably, with one sync for all of them. A chunk that is not here comes to be: empty if nothing
    /// was committed, else lost, so that nobody can make it in an older version. It is open for writing again if it was
    /// sealed; a copy that is under way stays so.
    /// </summary>
    /// <param name="fences">At most <see cref="StoreLimits.OrdersMax"/>.</param>
    /// <param name="outcomes">Gets what each found, in the same order.</param>
    /// <param name="cancellation">Gives up waiting; the outcomes are then not to be used.</param>
    ValueTask BeginVersionsAsync(
        ReadOnlyMemory<VersionFence> fences, Memory<FenceOutcome> outcomes, CancellationToken cancellation);

    /// <summary>
    /// Begins to copy a chunk from another server: what is written from here on is not served before
    /// <see cref="CompleteAsync"/>. Durable. The same once more, by the same order, is no error.
    /// </summary>
    /// <param name="chunk">Not here, or lost, or being copied by an earlier order.</param>
    /// <param name="version">Not lower than the one that is here.</param>
    /// <param name="copy">The order.</param>
    /// <param name="keepsBlocks">
    /// Whether blocks that are here stay, for those whose <see cref="Digest"/> is right; otherwise they are dropped.
    /// </param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="DistFsException">It serves, or is copied by a later order (ChunkExists).</exception>
    ValueTask BeginCopyAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, bool keepsBlocks, CancellationToken cancellation);

    /// <summary>
    /// Ends a copy: everything is made durable, and then the chunk serves, with this length. The same once more is no
    /// error.
    /// </summary>
    /// <exception cref="DistFsException">It is not being copied by this order (ChunkExists).</exception>
    ValueTask CompleteAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, uint length, CancellationToken cancellation);

    /// <summary>
    /// Drops what there is of a block that is being copied, where its digest was not right: it is zeros again.
    /// </summary>
    ValueTask DropBlockAsync(
        ChunkId chunk, ChunkVersion version, BlockIndex block, CancellationToken cancellation);

    /// <summary>
    /// Puts blocks as another server has them in the place of what is here of them, all of them or none, durably: of a
    /// copy that is lost, which stays so until the last of them, or of one that is sealed. Whatever ends it between
    /// leaves a copy that has no less that is right than before.
    /// </summary>
    /// <param name="chunk">Lost, or sealed.</param>
    /// <param name="version">Its version.</param>
    /// <param name="blocks">
    /// Which, in ascending order; at most <see cref="StoreLimits.ReadBlocksMax"/>. None, where nothing is to be
    /// replaced any more.
    /// </param>
    /// <param name="pieces">
    /// Pieces of these blocks, in their order, not more of one than a store keeps; none of a block that is zeros.
    /// </param>
    /// <param name="isWhole">
    /// Everything else is right, so that with these the copy is all of the chunk: it serves, and is sealed.
    /// </param>
    /// <param name="cancellation">Gives up waiting before it begins, and not afterwards.</param>
    /// <exception cref="DistFsException">
    /// It serves and is not sealed, or may lack bytes that were replied to (<see cref="ErrorCatalog.ChunkExists"/>); it
    /// is being copied (<see cref="ErrorCatalog.ChunkIncomplete"/>); it is not known which blocks it should have
    /// (<see cref="ErrorCatalog.ChunkLost"/>); the disk is full (<see cref="ErrorCatalog.ChunkStoreFull"/>).
    /// </exception>
    ValueTask ReplaceBlocksAsync(
        ChunkId chunk,
        ChunkVersion version,
        IReadOnlyList<BlockIndex> blocks,
        VerifiedPieces pieces,
        bool isWhole,
        CancellationToken cancellation);

    /// <summary>
    /// Marks a chunk as lost, durably: it is not served any more. One that is not here in this version is left alone.
    /// </summary>
    /// <param name="chunk">Which.</param>
    /// <param name="version">The version that is lost; another one is left alone.</param>
    /// <param name="status">Why: EBADMSG, EIO or ENOENT.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask MarkLostAsync(
        ChunkId chunk, ChunkVersion version, FsStatus status, CancellationToken cancellation);

    /// <summary>
    /// Deletes chunks, durably, with one sync for all of them. A chunk that is not here, or that the order is not
    /// about, is no error: afterwards the store has nothing that the orders name.
    /// </summary>
    /// <param name="orders">At most <see cref="StoreLimits.OrdersMax"/>.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask DeleteAsync(ReadOnlyMemory<ChunkDeletion> orders, CancellationToken cancellation);

    /// <summary>
    /// Reads some blocks as they are stored: to be sent to a client, or to a server that copies the chunk. Checksums
    /// are not looked at. Returns at once, or after reading the disk.
    /// </summary>
    /// <param name="chunk">A chunk that serves.</param>
    /// <param name="version">Its version.</param>
    /// <param name="first">The first block.</param>
    /// <param name="count">
    /// 1 to <see cref="StoreLimits.ReadBlocksMax"/>; blocks beyond the length have no pieces.
    /// </param>
    /// <returns>To be disposed after the last use.</returns>
    StoredBlocks Read(ChunkId chunk, ChunkVersion version, BlockIndex first, int count);

    /// <summary>
    /// As <see cref="Read"/>, for somebody who looks at the checksums of their writer, and says when one is wrong: the
    /// store may read past whatever checks of its own it has, and need not notice damage.
    /// </summary>
    StoredBlocks ReadUnchecked(ChunkId chunk, ChunkVersion version, BlockIndex first, int count) =>
        Read(chunk, version, first, count);

    /// <summary>
    /// Reads some bytes of one block as a patch: what it is made from is verified, its checksum is of this machine.
    /// </summary>
    /// <param name="chunk">A chunk that serves.</param>
    /// <param name="version">Its version.</param>
    /// <param name="range">Which bytes.</param>
    /// <param name="isAtHand">
    /// Only from memory, within microseconds: where that does not do, for whatever reason, it is
    /// <see cref="RangeOutcome.NotAtHand"/>, and nothing is thrown.
    /// </param>
    /// <param name="destination">At least 24 bytes more than the range; undefined when it is not done.</param>
    RangeRead ReadRange(
        ChunkId chunk, ChunkVersion version, in BlockRange range, bool isAtHand, Span<byte> destination);

    /// <summary>
    /// What is in memory of a block's content is read anew by whoever wants it next: somebody was given wrong bytes.
    /// </summary>
    void Forget(ChunkId chunk, BlockIndex block);

    /// <summary>
    /// One block of a copy that is lost since some of its bytes are damaged, or of one that serves: verified, so that a
    /// server whose own block is damaged can take it from there.
    /// </summary>
    /// <exception cref="DistFsException">This block is damaged here too (BlockCorrupt).</exception>
    StoredBlocks ReadSound(ChunkId chunk, ChunkVersion version, BlockIndex block);

    /// <summary>
    /// Gives back the memory in which the operating system keeps what it has read of a chunk's files, as far as the
    /// chunk has files of its own: what is read of it next comes from the disk.
    /// </summary>
    void DropCached(ChunkId chunk);

    /// <summary>
    /// Verifies blocks of a chunk in any state, past what is in this process's memory. What is on the disk itself is
    /// looked at behind <see cref="DropCached"/> only.
    /// </summary>
    /// <param name="chunk">Which.</param>
    /// <param name="first">The first block.</param>
    /// <param name="count">1 to <see cref="StoreLimits.ReadBlocksMax"/>.</param>
    /// <param name="damaged">Gets the blocks that are damaged.</param>
    /// <returns>Bytes that were read; 0 when the chunk is not here any more.</returns>
    long Verify(ChunkId chunk, BlockIndex first, int count, ICollection<BlockIndex> damaged);

    /// <summary>
    /// What a chunk has, in any state, without reading its blocks: one entry per block that is not zeros.
    /// </summary>
    /// <param name="chunk">Which.</param>
    /// <param name="version">Its version.</param>
    /// <param name="digests">Gets the entries, by block.</param>
    void Digest(ChunkId chunk, ChunkVersion version, ICollection<BlockDigest> digests);

    /// <summary>
    /// What is done now and then: parts that were not written for a while are made durable, chunks with many small
    /// writes are written anew. To be called about once a second.
    /// </summary>
    /// <param name="nowMs">A clock of the caller that only grows.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask TidyAsync(long nowMs, CancellationToken cancellation);

    /// <summary>Keeps how far the scrubber is. Not made durable at once.</summary>
    ValueTask SetScrubMarkAsync(ScrubMark mark, CancellationToken cancellation);
}

/// <summary>Limits of a store's calls.</summary>
public static class StoreLimits
{
    /// <summary>Bytes of one write at most: 64 blocks that do not compress.</summary>
    public const int WriteBytesMax = 64 * BlockCodec.PieceBytesMax;

    /// <summary>Blocks of one read at most.</summary>
    public const int ReadBlocksMax = 64;

    /// <summary>Fences or deletions of one call at most.</summary>
    public const int OrdersMax = 1024;

    /// <summary>Patches of a block, above which they are put together.</summary>
    public const int PatchesMax = 16;

    /// <summary>Bytes of patches of a block, above which they are put together.</summary>
    public const int PatchBytesMax = 64 << 10;
}
