using System.Runtime.InteropServices;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>
/// What a store has of some blocks of a chunk, in the store's own memory. Dispose after the last use of that memory.
/// Blocks that have no piece are zeros. For one thread at a time.
/// </summary>
public sealed class StoredBlocks : IDisposable
{
    private readonly List<StoredPiece> _pieces = [];
    private readonly List<IDisposable> _owners = [];

    internal StoredBlocks(uint length) => Length = length;

    /// <summary>The chunk's length in bytes when it was read.</summary>
    public uint Length { get; }

    /// <summary>The pieces: by block, and of each block in the order in which they lie over each other.</summary>
    public ReadOnlySpan<StoredPiece> Pieces => CollectionsMarshal.AsSpan(_pieces);

    /// <summary>Bytes of all pieces.</summary>
    public int TotalBytes { get; private set; }

    /// <summary>The pieces of one block; none when it is zeros.</summary>
    public ReadOnlySpan<StoredPiece> PiecesOf(BlockIndex block)
    {
        var all = Pieces;
        var start = 0;
        while (start < all.Length && all[start].Header.Block.Value < block.Value)
        {
            start++;
        }

        var end = start;
        while (end < all.Length && all[end].Header.Block == block)
        {
            end++;
        }

        return all[start..end];
    }

    /// <summary>Verifies all checksums.</summary>
    /// <param name="block">The first block that is damaged; otherwise 0.</param>
    public PieceFault Verify(out BlockIndex block)
    {
        foreach (var piece in _pieces)
        {
            var fault = BlockCodec.Verify(piece.Bytes.Span, out _);
            if (fault != PieceFault.None)
            {
                block = piece.Header.Block;
                return fault;
            }
        }

        block = default;
        return PieceFault.None;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (var owner in _owners)
        {
            owner.Dispose();
        }

        _owners.Clear();
        _pieces.Clear();
        TotalBytes = 0;
    }

    /// <summary>Adds a piece, whose memory lives until <paramref name="owner"/> is disposed.</summary>
    internal void Add(in PieceHeader header, ReadOnlyMemory<byte> bytes, IDisposable? owner)
    {
        _pieces.Add(new StoredPiece(header, bytes));
        TotalBytes += bytes.Length;
        if (owner is not null)
        {
            _owners.Add(owner);
        }
    }

    /// <summary>Takes back what was added since there were <paramref name="count"/> pieces.</summary>
    internal void BackTo(int count, int owners)
    {
        for (var i = _owners.Count - 1; i >= owners; i--)
        {
            _owners[i].Dispose();
        }

        _owners.RemoveRange(owners, _owners.Count - owners);
        _pieces.RemoveRange(count, _pieces.Count - count);
        TotalBytes = 0;
        foreach (var piece in _pieces)
        {
            TotalBytes += piece.Bytes.Length;
        }
    }

    internal (int Pieces, int Owners) Counts => (_pieces.Count, _owners.Count);
}
