using DistFS.Native.RocksDb;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>Changes that are committed together, with one sync if one of them wants it.</summary>
internal sealed class LaneGroup(StoreEngine engine) : IDisposable
{
    private readonly List<ChunkEntry> _entries = [];
    private readonly Dictionary<(ulong Chunk, uint Ordinal), ReadOnlyMemory<byte>> _fresh = [];

    public StoreEngine Engine { get; set; } = engine;

    public WriteBatch Batch { get; } = new();

    public bool NeedsSync { get; set; }

    /// <summary>Requests that were carried out and wait for the commit.</summary>
    public List<LaneRequest> Requests { get; } = [];

    /// <summary>What is done once it is committed.</summary>
    public List<Action> AfterCommit { get; } = [];

    public IReadOnlyList<ChunkEntry> Entries => _entries;

    /// <summary>Says that a chunk changes.</summary>
    public void Touch(ChunkEntry entry)
    {
        if (!entry.IsInGroup)
        {
            entry.IsInGroup = true;
            _entries.Add(entry);
        }
    }

    /// <summary>Adds a piece to the overlay.</summary>
    public void Put(ChunkId chunk, uint ordinal, in PieceHeader header, ReadOnlyMemory<byte> piece)
    {
        Span<byte> key = stackalloc byte[StoreKeys.PieceBytes];
        Batch.Put(Engine.Overlay, StoreKeys.Piece(key, chunk, header.Block.Value, ordinal), piece.Span);
        _fresh[(chunk.Value, ordinal)] = piece;
    }

    /// <summary>Removes a piece from the overlay.</summary>
    public void Delete(ChunkId chunk, uint block, uint ordinal)
    {
        Span<byte> key = stackalloc byte[StoreKeys.PieceBytes];
        Batch.Delete(Engine.Overlay, StoreKeys.Piece(key, chunk, block, ordinal));
    }

    /// <summary>Removes all pieces of a chunk from the overlay, whichever they are.</summary>
    public void DeletePieces(ChunkId chunk)
    {
        Span<byte> from = stackalloc byte[StoreKeys.PieceBytes];
        Span<byte> to = stackalloc byte[StoreKeys.PieceBytes];
        Batch.DeleteRange(
            Engine.Overlay,
            StoreKeys.Piece(from, chunk, 0, 0),
            StoreKeys.Piece(to, chunk, uint.MaxValue, uint.MaxValue));
    }

    /// <summary>A piece that this group adds, as long as it is not committed.</summary>
    public bool TryGetFresh(ChunkId chunk, uint ordinal, out ReadOnlyMemory<byte> piece) =>
        _fresh.TryGetValue((chunk.Value, ordinal), out piece);

    /// <summary>Puts the rows of all chunks that changed into the batch, and writes it.</summary>
    public void Write()
    {
        Span<byte> key = stackalloc byte[StoreKeys.ChunkBytes];
        foreach (var entry in _entries)
        {
            if (!entry.IsRowDirty)
            {
                continue;
            }

            if (entry.Next is { } next)
            {
                var row = new ChunkRow(next.Info with { Length = next.DurableLength }, next.Parts, next.UnsyncedIn);
                Batch.Put(Engine.Chunks, StoreKeys.Chunk(key, entry.Chunk), row.Encode());
            }
            else
            {
                Batch.Delete(Engine.Chunks, StoreKeys.Chunk(key, entry.Chunk));
            }
        }

        if (Batch.Count > 0)
        {
            Engine.Write(Batch, NeedsSync);
        }
    }

    /// <summary>Ready for the next changes.</summary>
    public void Clear()
    {
        foreach (var entry in _entries)
        {
            (entry.IsInGroup, entry.IsRowDirty) = (false, false);
        }

        _entries.Clear();
        _fresh.Clear();
        Batch.Clear();
        Requests.Clear();
        AfterCommit.Clear();
        NeedsSync = false;
    }

    public void Dispose() => Batch.Dispose();
}
