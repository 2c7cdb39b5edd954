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

    /// <summary>Some blocks of the chunk as they are stored; to be disposed of.</summary>
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
        var reply = await caller
            .CallAsync(ChunkDataMethods.Read, request, new CallOptions(ReadTimeout, Cancellation: cancellation))
            .ConfigureAwait(false);
        try
        {
            Require(reply.Payload.Span, first, count);
            return new CopyPieces(first, reply.Message.Length, reply.Payload);
        }
        catch
        {
            reply.Dispose();
            throw;
        }
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

    /// <summary>Whole pieces with right checksums, of the blocks that were asked for, in their order.</summary>
    private void Require(ReadOnlySpan<byte> pieces, BlockIndex first, int count)
    {
        var fault = PieceReader.Verify(pieces, out var damaged);
        if (fault != PieceFault.None)
        {
            throw new DistFsException(
                ErrorCatalog.BlockCorrupt,
                $"Block {damaged} of chunk {new ChunkId(order.Chunk)} came damaged from server {order.Source} "
                + $"({fault}).");
        }

        var least = first.Value;
        var reader = new PieceReader(pieces);
        while (reader.Next(out var header, out _))
        {
            if (header.Block.Value < least || header.Block.Value >= first.Value + count)
            {
                throw new DistFsException(
                    ErrorCatalog.BlockCorrupt,
                    $"Server {order.Source} sent block {header.Block} of chunk {new ChunkId(order.Chunk)}, which it "
                    + "was not asked for there.");
            }

            least = header.Block.Value;
        }
    }

    /// <summary>Only what nobody writes is copied.</summary>
    private ChunkName Name() =>
        new() { Chunk = order.Chunk, Version = order.Version, StoredLength = order.Length, Sealed = true };
}

/// <summary>Verified pieces of a run of blocks, in pooled memory; to be disposed of once.</summary>
/// <param name="First">The first block that was asked for.</param>
/// <param name="Length">Of the chunk, as the source has it.</param>
/// <param name="Payload">The pieces; empty when all of the blocks are zeros.</param>
internal sealed record CopyPieces(BlockIndex First, uint Length, Payload Payload) : IDisposable
{
    /// <summary>Gives the memory back.</summary>
    public void Dispose() => Payload.Dispose();
}
