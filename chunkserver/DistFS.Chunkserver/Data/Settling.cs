using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Chunkserver.Data;

/// <summary>
/// Makes blocks as the tail of the present version has them. While that is done no write of the version passes here, so
/// that the tail takes none either.
/// </summary>
internal sealed class Settling(
    IRpcCallers links, IChunkStore store, ChunkId chunk, ChunkVersion version, ChainHop tail)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    private readonly List<BlockDigest> _here = [];
    private readonly Dictionary<uint, (uint Pieces, uint Checksum)> _there = [];
    private uint _lengthThere;

    /// <summary>Settles, and yields each block that is settled.</summary>
    /// <exception cref="RpcException">The tail cannot be read.</exception>
    /// <exception cref="DistFsException">The store refuses.</exception>
    public async IAsyncEnumerable<BlockIndex> RunAsync(IReadOnlyList<BlockIndex> blocks)
    {
        if (!store.TryGet(chunk, out var info) || info.Version != version)
        {
            throw new DistFsException(ErrorCatalog.ChunkVersionStale, $"Chunk {chunk} has gone on from {version}.");
        }

        await CompareAsync(info).ConfigureAwait(false);
        var here = _here.ToDictionary(digest => digest.Block.Value, digest => ((uint)digest.Pieces, digest.Checksum));
        foreach (var block in blocks)
        {
            // Neither has it: zeros at both. Equal digests mean equal bytes.
            var isHere = here.TryGetValue(block.Value, out var mine);
            var isThere = _there.TryGetValue(block.Value, out var theirs);
            if (isHere != isThere || (isHere && mine != theirs))
            {
                await CopyAsync(info, block).ConfigureAwait(false);
            }

            yield return block;
        }
    }

    private async Task CompareAsync(ChunkInfo info)
    {
        store.Digest(chunk, version, _here);
        var reply = await links.To(tail.Address)
            .CallAsync(
                ChunkDataMethods.Digest,
                new DigestChunkRequest { Name = NameOf(info), Server = tail.Server },
                CallTimeout)
            .ConfigureAwait(false);
        _lengthThere = reply.Length;
        for (var i = 0; i < reply.Blocks.Count; i++)
        {
            _there[reply.Blocks[i]] = (reply.Pieces[i], reply.Checksums[i]);
        }
    }

    private async Task CopyAsync(ChunkInfo info, BlockIndex block)
    {
        var request = new ReadChunkRequest
        {
            Name = NameOf(info),
            Server = tail.Server,
            FirstBlock = block.Value,
            Blocks = 1,
            AtTail = true,
        };
        using var reply = await links.To(tail.Address)
            .CallAsync(ChunkDataMethods.Read, request, new CallOptions(CallTimeout))
            .ConfigureAwait(false);
        Require(block, reply.Payload.Span);

        // In a version that cuts nothing each may have more than the other, of what is not committed.
        var end = Math.Max(info.Length, _lengthThere);
        var start = block.Value * (uint)ChunkLayout.BlockBytes;
        if (start >= end)
        {
            throw new RpcException(
                ErrorCatalog.BlockCorrupt, $"Block {block} of {chunk} is told beyond its end {end}.");
        }

        // Zeros first: so nothing shows of what is here, also where the tail has patches only, or nothing.
        var pieces = new byte[PieceHeader.Bytes + reply.Payload.Length];
        var zeros = BlockCodec.EncodeZeros(block, 0, (int)Math.Min(ChunkLayout.BlockBytes, end - start), pieces);
        reply.Payload.Span.CopyTo(pieces.AsSpan(zeros));
        await store.WriteAsync(chunk, version, pieces, isDurable: true, CancellationToken.None).ConfigureAwait(false);

        // A block that a version has cut is longer in its first piece than what the cut leaves of it.
        if (store.TryGet(chunk, out var after) && after.Length > end)
        {
            await store.TruncateAsync(chunk, version, end, isDurable: true, CancellationToken.None)
                .ConfigureAwait(false);
        }
    }

    private void Require(BlockIndex block, ReadOnlySpan<byte> pieces)
    {
        var reader = new PieceReader(pieces);
        while (reader.Next(out var header, out _))
        {
            if (header.Block != block)
            {
                throw new RpcException(ErrorCatalog.BlockCorrupt, $"{header.Block} of {chunk} came for {block}.");
            }
        }

        if (PieceReader.Verify(pieces, out _) != PieceFault.None)
        {
            throw new RpcException(ErrorCatalog.BlockCorrupt, $"Block {block} of {chunk} came damaged.");
        }
    }

    private ChunkName NameOf(ChunkInfo info) =>
        new() { Chunk = chunk.Value, Version = version.Value, StoredLength = info.Length };
}
