using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Copies;

/// <summary>The server that a chunk is copied from. Whatever it sends is checked before it is used.</summary>
/// <param name="caller">Calls it.</param>
/// <param name="order">What is copied.</param>
internal sealed class CopySource(IRpcCaller caller, CopyOrder order)
{
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Some blocks of the chunk as they are stored; to be disposed of. The source sends them unseen, as to a client:
    /// what comes damaged is asked for once more, and then it looks at its disk first, and gives itself up if that is
    /// it.
    /// </summary>
    /// <exception cref="DistFsException">It cannot be read there, or came damaged.</exception>
    public async Task<CopyPieces> ReadAsync(BlockIndex first, int count, CancellationToken cancellation)
    {
        var request = new ReadChunkRequest
        {
            Name = Name(),
            Server = order.Source,
            FirstBlock = first.Value,
            Blocks = (uint)count,
            ForCopy = true,
        };
        var (pieces, refusal) = await TryReadAsync(request, cancellation).ConfigureAwait(false);
        if (pieces == null)
        {
            request.Verify = true;
            (pieces, refusal) = await TryReadAsync(request, cancellation).ConfigureAwait(false);
        }

        return pieces ?? throw new DistFsException(ErrorCatalog.BlockCorrupt, refusal);
    }

    /// <summary>What tells of each block whether it is the same as here, by block.</summary>
    /// <exception cref="DistFsException">It cannot be read there.</exception>
    public async Task<Dictionary<uint, BlockDigest>> DigestAsync(CancellationToken cancellation)
    {
        var request = new DigestChunkRequest { Name = Name(), Server = order.Source };
        var reply = await caller.CallAsync(ChunkDataMethods.Digest, request, ReadTimeout, cancellation)
            .ConfigureAwait(false);
        if (reply.Blocks.Count != reply.Pieces.Count || reply.Blocks.Count != reply.Checksums.Count)
        {
            throw new DistFsException(
                ErrorCatalog.BlockCorrupt, $"Server {order.Source} tells digests without blocks.");
        }

        var digests = new Dictionary<uint, BlockDigest>();
        for (var i = 0; i < reply.Blocks.Count; i++)
        {
            digests[reply.Blocks[i]] =
                new BlockDigest(new BlockIndex(reply.Blocks[i]), (int)reply.Pieces[i], reply.Checksums[i]);
        }

        return digests;
    }

    /// <returns>No pieces, and why: they came damaged, or are not what was asked for.</returns>
    private async Task<(CopyPieces? Pieces, string Refusal)> TryReadAsync(
        ReadChunkRequest request, CancellationToken cancellation)
    {
        var reply = await caller
            .CallAsync(ChunkDataMethods.Read, request, new CallOptions(ReadTimeout, Cancellation: cancellation))
            .ConfigureAwait(false);
        var fault = VerifiedPieces.Verify(reply.Payload.Memory, out var pieces, out var block);
        var refusal = fault != PieceFault.None
            ? $"Block {block} of chunk {new ChunkId(order.Chunk)} came damaged from server {order.Source} ({fault})."
            : Stranger(pieces.Span, request);
        if (refusal == null)
        {
            return (new CopyPieces(reply.Message.Length, pieces, reply.Payload), "");
        }

        reply.Dispose();
        return (null, refusal);
    }

    /// <summary>Why these are not the blocks that were asked for, in their order; null: they are.</summary>
    private string? Stranger(ReadOnlySpan<byte> pieces, ReadChunkRequest request)
    {
        var least = request.FirstBlock;
        var reader = new PieceReader(pieces);
        while (reader.Next(out var header, out _))
        {
            if (header.Block.Value < least || header.Block.Value >= request.FirstBlock + request.Blocks)
            {
                return $"Server {order.Source} sent block {header.Block} of chunk {new ChunkId(order.Chunk)}, which it "
                    + "was not asked for there.";
            }

            least = header.Block.Value;
        }

        return null;
    }

    /// <summary>Only what nobody writes is copied.</summary>
    private ChunkName Name() =>
        new() { Chunk = order.Chunk, Version = order.Version, StoredLength = order.Length, Sealed = true };
}

/// <summary>Pieces of a run of blocks, in pooled memory; to be disposed of once.</summary>
/// <param name="Length">Of the chunk, as the source has it.</param>
/// <param name="Pieces">None when all of the blocks are zeros.</param>
/// <param name="Payload">Whose memory they are in.</param>
internal sealed record CopyPieces(uint Length, VerifiedPieces Pieces, Payload Payload) : IDisposable
{
    /// <summary>How many there are.</summary>
    public int Bytes => Pieces.Memory.Length;

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => Payload.Dispose();
}
