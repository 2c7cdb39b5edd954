using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>The errors of stores, and the rules that both stores share.</summary>
internal static class ChunkErrors
{
    public static DistFsException Unknown(ChunkId chunk) =>
        new(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");

    public static DistFsException Exists(ChunkInfo info) => new(
        ErrorCatalog.ChunkExists,
        $"Chunk {info.Chunk} is here already: {info.State}, {info.Version}, {info.Copy}.");

    public static DistFsException Lost(ChunkInfo info) => new(
        ErrorCatalog.ChunkLost, $"The copy of chunk {info.Chunk} {info.Version} here is lost ({info.LostStatus}).",
        null, info.LostStatus);

    public static DistFsException Block(ChunkId chunk, BlockIndex block, PieceFault fault) => new(
        ErrorCatalog.BlockCorrupt, $"Block {block} of chunk {chunk} is damaged: {fault}.");

    /// <summary>The pieces of a block, whose checksums are right; else they are disposed of.</summary>
    /// <exception cref="DistFsException">They are not (BlockCorrupt).</exception>
    public static StoredBlocks RequireSound(ChunkId chunk, BlockIndex block, StoredBlocks found)
    {
        var fault = found.Verify(out _);
        if (fault == PieceFault.None)
        {
            return found;
        }

        found.Dispose();
        throw Block(chunk, block, fault);
    }

    public static DistFsException Range(ChunkId chunk, string what) =>
        new(ErrorCatalog.ChunkRangeInvalid, $"Chunk {chunk}: {what}.");

    /// <summary>Every read and write names the version that is here.</summary>
    public static DistFsException? Version(in ChunkInfo info, ChunkVersion version)
    {
        if (version.Value < info.Version.Value)
        {
            return new DistFsException(
                ErrorCatalog.ChunkVersionStale, $"Chunk {info.Chunk} is in {info.Version} here, not in {version}.");
        }

        return version.Value > info.Version.Value
            ? new DistFsException(
                ErrorCatalog.ChunkVersionUnknown,
                $"Chunk {info.Chunk} is in {info.Version} here, not yet in {version}.")
            : null;
    }

    /// <summary>What may be read: what serves, in its version.</summary>
    public static DistFsException? Readable(in ChunkInfo info, ChunkVersion version) => Version(info, version)
        ?? info.State switch
        {
            ChunkState.Serving => null,
            ChunkState.Copying => new DistFsException(
                ErrorCatalog.ChunkIncomplete, $"Chunk {info.Chunk} {info.Version} is still being copied here."),
            _ => Lost(info),
        };

    /// <summary>
    /// What may be read block by block, each verified: also what is lost since a part of it is damaged.
    /// </summary>
    public static DistFsException? ReadableInPart(in ChunkInfo info, ChunkVersion version) =>
        info is { State: ChunkState.Lost, LostStatus: FsStatus.Corrupt or FsStatus.IoError }
            ? Version(info, version) : Readable(info, version);

    /// <summary>What may be written: what serves or is being copied, in its version, and is not sealed.</summary>
    public static DistFsException? Writable(in ChunkInfo info, ChunkVersion version) => Version(info, version)
        ?? info switch
        {
            { State: ChunkState.Lost } => Lost(info),
            { IsSealed: true } => new DistFsException(
                ErrorCatalog.ChunkSealed, $"Chunk {info.Chunk} {info.Version} is sealed."),
            _ => null,
        };

    /// <summary>What may be mended: what is lost, or what nobody writes.</summary>
    public static DistFsException? Replaceable(in ChunkInfo info, ChunkVersion version) => Version(info, version)
        ?? info switch
        {
            { State: ChunkState.Copying } => Readable(info, version),
            { IsUnclean: true } or { State: ChunkState.Serving, IsSealed: false } => Exists(info),
            _ => null,
        };

    /// <summary>Who begins a copy finds nothing, something lost, or an earlier attempt.</summary>
    public static DistFsException? Copyable(in ChunkInfo info, ChunkVersion version, CopyId copy)
    {
        if (version.Value < info.Version.Value)
        {
            return Version(info, version);
        }

        return info.State == ChunkState.Lost || (info.State == ChunkState.Copying && info.Copy.Value <= copy.Value)
            ? null
            : Exists(info);
    }

    /// <summary>Checks how the pieces of a write lie.</summary>
    /// <exception cref="DistFsException">They are too many, or not in order.</exception>
    public static void RequireOrder(ChunkId chunk, ReadOnlySpan<byte> pieces)
    {
        if (pieces.IsEmpty || pieces.Length > StoreLimits.WriteBytesMax)
        {
            throw Range(chunk, $"a write of {pieces.Length} bytes");
        }

        var reader = new PieceReader(pieces);
        var last = 0u;
        while (reader.Next(out var header, out _))
        {
            if (header.Block.Value < last)
            {
                throw Range(chunk, $"block {header.Block} is written behind {last}");
            }

            last = header.Block.Value;
        }
    }

    /// <summary>
    /// Blocks that take the place of others: in order, with pieces of theirs only, none of which has to be folded.
    /// </summary>
    /// <exception cref="DistFsException">They are not.</exception>
    public static void RequireReplacement(
        ChunkId chunk, IReadOnlyList<BlockIndex> blocks, ReadOnlySpan<byte> pieces)
    {
        if (blocks.Count > 0)
        {
            RequireBlocks(chunk, blocks[^1], blocks.Count);
        }

        for (var i = 1; i < blocks.Count; i++)
        {
            if (blocks[i].Value <= blocks[i - 1].Value)
            {
                throw Range(chunk, $"block {blocks[i]} is replaced behind {blocks[i - 1]}");
            }
        }

        if (!pieces.IsEmpty)
        {
            RequireOrder(chunk, pieces);
        }

        var (at, patches, bytes) = (0, 0, 0);
        var reader = new PieceReader(pieces);
        while (reader.Next(out var header, out var piece))
        {
            while (at < blocks.Count && blocks[at] != header.Block)
            {
                (at, patches, bytes) = (at + 1, 0, 0);
            }

            (patches, bytes) = header.CoversBlock ? (patches, bytes) : (patches + 1, bytes + piece.Length);
            if (at == blocks.Count || patches > StoreLimits.PatchesMax || bytes > StoreLimits.PatchBytesMax)
            {
                throw Range(chunk, $"a piece of {header.Block} is no replacement, or one too many");
            }
        }
    }

    /// <summary>A length or an end within a chunk.</summary>
    public static void RequireLength(ChunkId chunk, ulong length)
    {
        if (length > ChunkLayout.ChunkBytes)
        {
            throw Range(chunk, $"{length} bytes");
        }
    }

    /// <summary>A range lies in its block, and there is room for it as a patch.</summary>
    public static void RequireRange(ChunkId chunk, in BlockRange range, int room)
    {
        RequireBlocks(chunk, range.Block, 1);
        if (range.Length < 1 || range.Offset < 0 || range.Offset > ChunkLayout.BlockBytes - range.Length)
        {
            throw Range(chunk, $"{range} is not within its block");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(room, PieceHeader.Bytes + range.Length);
    }

    /// <summary>Blocks within a chunk, not too many at once.</summary>
    public static void RequireBlocks(ChunkId chunk, BlockIndex first, int count)
    {
        if (count is <= 0 or > StoreLimits.ReadBlocksMax || first.Value >= ChunkLayout.BlocksMax)
        {
            throw Range(chunk, $"{count} blocks from {first}");
        }
    }

    /// <summary>Orders of one call.</summary>
    public static void RequireOrders(int count) =>
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, StoreLimits.OrdersMax, nameof(count));
}
