using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>What a store does with a chunk that it has.</summary>
public enum ChunkState : byte
{
    /// <summary>Serves it.</summary>
    Serving = 0,

    /// <summary>Takes it from another server; it is not read before all of it is there.</summary>
    Copying = 1,

    /// <summary>Lost it, or part of it: it is neither read nor written, and waits to be deleted or copied.</summary>
    Lost = 2,
}

/// <summary>A chunk of a store.</summary>
/// <param name="Chunk">Which.</param>
/// <param name="Version">Its version here.</param>
/// <param name="Length">Bytes up to the end of what was written, what is not durable yet included.</param>
/// <param name="Copy">The order by which it was copied here; 0 for none.</param>
/// <param name="State">What the store does with it.</param>
/// <param name="LostStatus">Why it is lost: EBADMSG, EIO, ENOENT; otherwise OK.</param>
/// <param name="IsSealed">Whether nothing is written to it in this version any more.</param>
/// <param name="IsUnclean">
/// Whether bytes may be missing in it that were replied to: it was written to without a sync when an earlier run ended.
/// What was durable is here. It stays so until a fence says that it counts.
/// </param>
public readonly record struct ChunkInfo(
    ChunkId Chunk,
    ChunkVersion Version,
    uint Length,
    CopyId Copy,
    ChunkState State,
    FsStatus LostStatus,
    bool IsSealed,
    bool IsUnclean = false);

/// <summary>Begins a version of a chunk.</summary>
/// <param name="Chunk">Which.</param>
/// <param name="Version">The version; older ones are refused from then on.</param>
/// <param name="Length">What the cluster has committed: bytes beyond it go.</param>
/// <param name="Counts">
/// What is here is the chunk, unclean or not, and whatever it lacks of the length is zeros: the cluster has decided so,
/// or it was made as another's.
/// </param>
/// <param name="Copy">Of one that counts: the order by which it was made as another's; 0 for none.</param>
/// <param name="KeepsBeyond">
/// Bytes beyond the length stay: a client may have written them, and the cluster began this version for its own
/// reasons.
/// </param>
/// <param name="IsSealed">
/// Nobody writes in this version. A copy that is sealed has all of an earlier one, so of this one too, and stays
/// sealed; any other has to be settled first.
/// </param>
public readonly record struct VersionFence(
    ChunkId Chunk, ChunkVersion Version, uint Length, bool Counts = false, CopyId Copy = default,
    bool KeepsBeyond = false, bool IsSealed = false);

/// <summary>What a fence found.</summary>
public enum FenceOutcome : byte
{
    /// <summary>The version was begun, or had been.</summary>
    Begun = 0,

    /// <summary>The chunk is already in a later version: nothing was changed.</summary>
    Later = 1,

    /// <summary>The version was begun, but bytes that were committed are not here: the chunk is lost.</summary>
    Lost = 2,
}

/// <summary>
/// An order to delete: in no newer version than this, nor, in the same version, what came by a later order to copy
/// (docs/design/chunkservers.md).
/// </summary>
/// <param name="Chunk">Which.</param>
/// <param name="Version">The newest version that is deleted.</param>
/// <param name="Copy">The order by which it was copied here; 0: however it came.</param>
public readonly record struct ChunkDeletion(ChunkId Chunk, ChunkVersion Version, CopyId Copy)
{
    /// <summary>Whether the order is about a copy.</summary>
    public bool IsAbout(ChunkVersion version, CopyId copy) =>
        version.Value < Version.Value
        || (version == Version && (Copy.Value == 0 || copy.Value <= Copy.Value));
}

/// <summary>
/// What tells whether two servers have the same of a block. Equal digests mean equal bytes; equal bytes may have
/// different digests, when one of the servers put patches together.
/// </summary>
/// <param name="Block">Which.</param>
/// <param name="Pieces">Pieces that it is made of, over 0.</param>
/// <param name="Checksum">CRC-32C of the checksums of its pieces in their order (4 bytes each, little-endian).</param>
public readonly record struct BlockDigest(BlockIndex Block, int Pieces, uint Checksum);

/// <summary>How far the scrubber is. Kept by the store.</summary>
/// <param name="Next">The chunk that comes next; 0 to begin.</param>
/// <param name="NextBlock">The block of it that comes next.</param>
/// <param name="PassStartedMs">When the pass began, in milliseconds of the clock of the scrubber's caller.</param>
/// <param name="Passes">Passes that are complete.</param>
public readonly record struct ScrubMark(ChunkId Next, BlockIndex NextBlock, long PassStartedMs, ulong Passes);

/// <summary>The space of a store's disk, in bytes.</summary>
/// <param name="CapacityBytes">The size of the file system.</param>
/// <param name="AvailableBytes">Free.</param>
/// <param name="ReserveBytes">With less than this free, nothing is written.</param>
public readonly record struct StoreSpace(long CapacityBytes, long AvailableBytes, long ReserveBytes)
{
    /// <summary>Whether writes are refused.</summary>
    public bool IsFull => AvailableBytes < ReserveBytes;
}

/// <summary>Whose store it is.</summary>
/// <param name="Store">Random, made with the store.</param>
/// <param name="Cluster">The cluster; 0 before it is known.</param>
/// <param name="Server">The chunk server; 0 before it is known.</param>
/// <param name="Incarnation">The number of this run, from 1; on disk since before the store was used.</param>
/// <param name="PreviousIncarnation">The number of the last run; 0 for none.</param>
public sealed record StoreIdentity(
    StoreId Store, ClusterId Cluster, ServerId Server, ulong Incarnation, ulong PreviousIncarnation);

/// <summary>Why a store ended.</summary>
/// <param name="failure">The error that ended it.</param>
public sealed class StoreFailedEventArgs(DistFsException failure) : EventArgs
{
    /// <summary>The error that ended it.</summary>
    public DistFsException Failure { get; } = failure;
}

/// <summary>Some bytes of a block.</summary>
/// <param name="Block">Which.</param>
/// <param name="Offset">In bytes from the block's start.</param>
/// <param name="Length">In bytes, 1 at least; with the offset within the block.</param>
public readonly record struct BlockRange(BlockIndex Block, int Offset, int Length)
{
    /// <summary>The byte of the block behind the last one.</summary>
    public int End => Offset + Length;
}

/// <summary>How a read of a <see cref="BlockRange"/> ended.</summary>
public enum RangeOutcome
{
    /// <summary>It was read.</summary>
    Done,

    /// <summary>It is not in memory, and only that was asked for.</summary>
    NotAtHand,

    /// <summary>A piece of the block has a wrong checksum, or does not decode.</summary>
    Damaged,
}

/// <summary>What a read of a <see cref="BlockRange"/> gave.</summary>
/// <param name="Outcome">How it ended; the rest counts only when it is done.</param>
/// <param name="Bytes">The length of the patch; 0 when nothing of the block is stored: it is zeros.</param>
/// <param name="Length">The chunk's length in bytes when it was read.</param>
public readonly record struct RangeRead(RangeOutcome Outcome, int Bytes = 0, uint Length = 0);
