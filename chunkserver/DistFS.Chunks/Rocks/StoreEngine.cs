using System.Collections.Immutable;
using DistFS.Native.RocksDb;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>The database of a store: its families, and reads of them.</summary>
internal sealed class StoreEngine : IDisposable
{
    /// <summary>
    /// Values come compressed and are large: no compression, no filter, and nothing is kept in a cache; files never
    /// overlap, so there is nothing to compact.
    /// </summary>
    public static readonly ColumnFamilyOptions BlockOptions = new()
    {
        Compression = Compression.None,
        BloomBitsPerKey = 0,
        BlockBytes = 4 << 10,
        DisableAutoCompactions = true,
        WriteBufferBytes = 64 << 10,
    };

    private static readonly ColumnFamilyOptions OverlayOptions = new()
    {
        Compression = Compression.None,
        BloomBitsPerKey = 10,
        WriteBufferBytes = 32 << 20,
        WriteBuffersMax = 3,
    };

    private static readonly ColumnFamilyOptions RowOptions = new() { WriteBufferBytes = 8 << 20 };

    /// <summary>Files never overlap, and there are no snapshots: they keep their sequence numbers, and their bytes.
    /// </summary>
    private static readonly IngestSettings AsTheyAre = new() { AllowOverlap = false, SnapshotConsistency = false };

    /// <summary>
    /// Without a cache the engine copies each value once more: only what is in one can be pinned. So blocks have one
    /// that is over its capacity with the first of them, and keeps each only as long as somebody has it pinned. Made
    /// with more, since that decides into how many shards it is divided.
    /// </summary>
    private const long PinnedBytes = 8 << 20;

    private readonly RocksDb _db;
    private readonly string _path;
    private readonly ulong _run;

    /// <param name="path">Where it is.</param>
    /// <param name="openFilesMax">Files that are open at once.</param>
    /// <param name="run">The number of this run: chunks that an earlier one wrote without a sync are unclean.</param>
    public StoreEngine(string path, int openFilesMax, ulong run)
    {
        (_path, _run) = (path, run);
        using var pinned = new BlockCache(PinnedBytes);
        pinned.CapacityBytes = 1;
        var options = new RocksDbOptions
        {
            CreateIfMissing = true,
            OpenFilesMax = openFilesMax,
            WalBytesMax = 256 << 20,
        };
        _db = RocksDb.Open(
            options,
            path,
            new ColumnFamilyDescriptor("chunks", RowOptions),
            new ColumnFamilyDescriptor(
                "blocks", BlockOptions with { BlockCache = pinned, CacheIndexAndFilterBlocks = false }),
            new ColumnFamilyDescriptor("overlay", OverlayOptions));
        Chunks = _db.GetColumnFamily("chunks");
        Blocks = _db.GetColumnFamily("blocks");
        Overlay = _db.GetColumnFamily("overlay");
    }

    public ColumnFamily Chunks { get; }

    public ColumnFamily Blocks { get; }

    public ColumnFamily Overlay { get; }

    /// <summary>Rows of the store itself.</summary>
    public ColumnFamily Own => _db.DefaultColumnFamily;

    public void Write(WriteBatch batch, bool isSynced) =>
        _db.Write(batch, isSynced ? WriteSettings.Synced : WriteSettings.Unsynced);

    /// <summary>Takes in the file of a part, durably.</summary>
    public void Ingest(string path) =>
        _db.IngestExternalFiles(Blocks, [path], AsTheyAre);

    /// <summary>Drops the file of a part.</summary>
    public void Drop(ChunkId chunk, ulong part)
    {
        Span<byte> first = stackalloc byte[StoreKeys.BlockBytes];
        Span<byte> last = stackalloc byte[StoreKeys.BlockBytes];
        _db.DeleteFilesInRange(
            Blocks, StoreKeys.Block(first, chunk, part, 0), StoreKeys.Block(last, chunk, part, uint.MaxValue));
    }

    public byte[]? GetOwn(ReadOnlySpan<byte> key) => _db.Get(Own, key);

    /// <summary>The block of a part; null when it is not there.</summary>
    public PinnedValue? GetBlock(ChunkId chunk, ulong part, uint block)
    {
        Span<byte> key = stackalloc byte[StoreKeys.BlockBytes];
        return _db.GetValue(Blocks, StoreKeys.Block(key, chunk, part, block));
    }

    /// <summary>A piece of the overlay; null when it is not there.</summary>
    public PinnedValue? GetPiece(ChunkId chunk, uint block, uint ordinal)
    {
        Span<byte> key = stackalloc byte[StoreKeys.PieceBytes];
        return _db.GetValue(Overlay, StoreKeys.Piece(key, chunk, block, ordinal));
    }

    /// <summary>A chunk as it is on the disk; null when it is not there.</summary>
    /// <exception cref="StoreCorruptException">A row cannot be read.</exception>
    public ChunkContent? Load(ChunkId chunk)
    {
        Span<byte> key = stackalloc byte[StoreKeys.ChunkBytes];
        var bytes = _db.Get(Chunks, StoreKeys.Chunk(key, chunk));
        if (bytes is null)
        {
            return null;
        }

        var row = Decode(chunk, bytes);
        var content = new ChunkContent
        {
            Info = row.Info,
            DurableLength = row.Info.Length,
            Parts = row.Parts,
            UnsyncedIn = row.UnsyncedIn,
        };
        try
        {
            return LoadOverlay(content);
        }
        catch (StoreCorruptException)
        {
            // Which pieces there are is not known: nothing of the chunk may be served.
            var lost = row.Info with { State = ChunkState.Lost, LostStatus = FsStatus.Corrupt };
            return content with { Info = lost, LastOrdinal = uint.MaxValue / 2, IsOverlayUnknown = true };
        }
    }

    /// <summary>Rows from an id on.</summary>
    public IEnumerable<ChunkRow> Rows(ChunkId from)
    {
        using var iterator = _db.CreateIterator(Chunks, new ReadSettings { FillCache = false });
        var key = new byte[StoreKeys.ChunkBytes];
        for (iterator.Seek(StoreKeys.Chunk(key, from)); iterator.IsValid; iterator.Next())
        {
            var chunk = new ChunkId(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(iterator.Key));
            yield return Decode(chunk, iterator.Value);
        }

        iterator.CheckStatus();
    }

    /// <summary>Drops the files that no row names, and tells the number that the next part has.</summary>
    public ulong DropUnnamed(out int dropped)
    {
        dropped = 0;
        var last = 0ul;
        var named = new Dictionary<ulong, ImmutableArray<PartRange>>();
        Span<byte> key = stackalloc byte[StoreKeys.ChunkBytes];
        foreach (var file in _db.GetLiveFiles())
        {
            if (file.ColumnFamily != Blocks.Name)
            {
                continue;
            }

            var (chunk, part) = StoreKeys.PartOf(file.SmallestKey.Span);
            last = Math.Max(last, part);
            if (!named.TryGetValue(chunk.Value, out var parts))
            {
                var bytes = _db.Get(Chunks, StoreKeys.Chunk(key, chunk));
                parts = bytes is null ? [] : Decode(chunk, bytes).Parts;
                named[chunk.Value] = parts;
            }

            if (!parts.Any(range => range.Part == part))
            {
                Drop(chunk, part);
                dropped++;
            }
        }

        return last + 1;
    }

    /// <summary>The files of all parts, by number.</summary>
    public Dictionary<ulong, string> PartFiles()
    {
        var files = new Dictionary<ulong, string>();
        foreach (var file in _db.GetLiveFiles().Where(file => file.ColumnFamily == Blocks.Name))
        {
            files[StoreKeys.PartOf(file.SmallestKey.Span).Part] = Path.Combine(_path, file.Name);
        }

        return files;
    }

    public void Dispose() => _db.Dispose();

    private ChunkRow Decode(ChunkId chunk, ReadOnlySpan<byte> bytes) =>
        ChunkRow.TryDecode(chunk, bytes, _run, out var row) ? row : throw new DistFsException(
            ErrorCatalog.ChunkStoreFormat, $"The row of chunk {chunk} is of a format that is not known.");

    private ChunkContent LoadOverlay(ChunkContent content)
    {
        var chunk = content.Info.Chunk;
        var from = new byte[StoreKeys.PieceBytes];
        var to = new byte[StoreKeys.PieceBytes + 1];
        StoreKeys.Piece(from, chunk, 0, 0);
        StoreKeys.Piece(to, chunk, uint.MaxValue, uint.MaxValue);
        using var iterator = _db.CreateIterator(
            Overlay, new ReadSettings { FillCache = false, LowerBound = from, UpperBound = to });
        var overlay = ImmutableDictionary.CreateBuilder<uint, ImmutableArray<OverlayPiece>>();
        var (bytes, last) = (0L, 0u);
        for (iterator.Seek(from); iterator.IsValid; iterator.Next())
        {
            var (block, ordinal) = StoreKeys.PieceOf(iterator.Key);
            if (PieceHeader.Read(iterator.Value, out var header) != PieceFault.None || header.Block.Value != block)
            {
                var lost = content.Info with { State = ChunkState.Lost, LostStatus = FsStatus.Corrupt };
                content = content with { Info = lost, IsOverlayUnknown = true };
                last = Math.Max(last, ordinal);
                continue;
            }

            overlay[block] = overlay.GetValueOrDefault(block, []).Add(new OverlayPiece(ordinal, header));
            bytes += header.TotalBytes;
            last = Math.Max(last, ordinal);
        }

        iterator.CheckStatus();
        return content with { Overlay = overlay.ToImmutable(), OverlayBytes = bytes, LastOrdinal = last };
    }
}
