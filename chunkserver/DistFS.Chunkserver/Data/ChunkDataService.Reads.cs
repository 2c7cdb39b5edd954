using System.Buffers;
using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Data;

/// <content>Reading, comparing, and fetching from the tail what was dirty when a version ended.</content>
internal sealed partial class ChunkDataService
{
    internal async ValueTask<ReadChunkReply> ReadAsync(ReadChunkRequest request, ServerCall call)
    {
        RequireSelf(request.Server);
        if (request.Blocks is 0 or > ChunkLayout.ReadBlocksMax)
        {
            throw new RpcException(
                ErrorCatalog.BadRequest, $"A read has 1 to {ChunkLayout.ReadBlocksMax} blocks.");
        }

        if (request.RangeLength > 0 && (request.Blocks != 1
            || (ulong)request.RangeOffset + request.RangeLength > ChunkLayout.BlockBytes))
        {
            throw new RpcException(ErrorCatalog.BadRequest, "A range lies in one block.");
        }

        var store = await StoreForReadAsync(request.Name).ConfigureAwait(false);
        var (chunk, version) = (new ChunkId(request.Name.Chunk), new ChunkVersion(request.Name.Version));
        using var found = store.Read(chunk, version, new BlockIndex(request.FirstBlock), (int)request.Blocks);
        if ((request.Verify && found.Verify(out _) != PieceFault.None) || !SetPayload(request, call, found))
        {
            // The copy is given up: it is told as lost, and replaced.
            metrics.Damaged();
            open.Close(chunk);
            await store.MarkLostAsync(chunk, version, FsStatus.Corrupt, CancellationToken.None).ConfigureAwait(false);
            throw new DistFsException(
                ErrorCatalog.BlockCorrupt, $"A block of chunk {chunk} is damaged on server {serving.Self}.");
        }

        // Looked at afterwards: what was dirty while it was read, and is not any more, has been committed.
        if (!request.AtTail && open.Find(chunk) is { } replica)
        {
            RequireClean(replica, version, request);
        }

        RequireServing();
        metrics.Read(found.TotalBytes);
        return new ReadChunkReply { Length = found.Length };
    }

    internal ValueTask<DigestChunkReply> Digest(DigestChunkRequest request, ServerCall call)
    {
        RequireSelf(request.Server);
        var chunk = new ChunkId(request.Name.Chunk);
        var store = stores.Of(chunk)
            ?? throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");
        var digests = new List<BlockDigest>();
        store.Digest(chunk, new ChunkVersion(request.Name.Version), digests);
        var reply = new DigestChunkReply { Length = store.TryGet(chunk, out var info) ? info.Length : 0 };
        foreach (var digest in digests)
        {
            reply.Blocks.Add(digest.Block.Value);
            reply.Pieces.Add((uint)digest.Pieces);
            reply.Checksums.Add(digest.Checksum);
        }

        return new(reply);
    }

    /// <summary>
    /// Versions were begun: what was dirty in them is made as their tails have it, without waiting for a writer.
    /// </summary>
    internal async Task SettleAsync(IEnumerable<OpenChunk> begun, FenceRequest request)
    {
        foreach (var replica in begun)
        {
            var servers = request.Fences.First(fence => fence.Chunk == replica.Chunk.Value).Servers;
            var tail = servers.Count == 0 || servers[^1] == serving.Self.Value
                ? null
                : request.Members.FirstOrDefault(member => member.Server == servers[^1]);
            Task settling;
            lock (replica.Gate)
            {
                var canSettle = tail != null || (servers.Count > 0 && servers[^1] == serving.Self.Value);
                settling = canSettle && replica.Replica.Carried.Count > 0
                    ? replica.SettleOnce((chunk, blocks) => SettleAsync(chunk, blocks, tail))
                    : Task.CompletedTask;
            }

            await settling.ConfigureAwait(false);
        }
    }

    private async ValueTask<IChunkStore> StoreForReadAsync(ChunkName name)
    {
        var chunk = new ChunkId(name.Chunk);
        if (stores.Of(chunk) is not { } store || !store.TryGet(chunk, out var info))
        {
            throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");
        }

        await open.ForReadAsync(store, info, new ChunkVersion(name.Version), name.StoredLength).ConfigureAwait(false);
        return store;
    }

    private static void RequireClean(OpenChunk replica, ChunkVersion version, ReadChunkRequest request)
    {
        lock (replica.Gate)
        {
            if (replica.Replica.Version != version)
            {
                return;
            }

            for (var i = 0u; i < request.Blocks; i++)
            {
                if (replica.Replica.IsDirty(new BlockIndex(request.FirstBlock + i)))
                {
                    throw new DistFsException(
                        ErrorCatalog.ChunkDirty,
                        $"Block {request.FirstBlock + i} of {replica.Chunk} is being written.");
                }
            }
        }
    }

    /// <summary>False: what was asked for has to be put together here, and is damaged.</summary>
    private static bool SetPayload(ReadChunkRequest request, ServerCall call, StoredBlocks found)
    {
        if (found.TotalBytes == 0)
        {
            return true;
        }

        if (request.RangeLength > 0)
        {
            return SetRange(request, call, found);
        }

        // A frame has one payload: the pieces are put behind each other.
        var owner = MemoryPool<byte>.Shared.Rent(found.TotalBytes);
        var room = owner.Memory.Span;
        foreach (var piece in found.Pieces)
        {
            piece.Bytes.Span.CopyTo(room);
            room = room[piece.Bytes.Length..];
        }

        call.SetReplyPayload(owner.Memory[..found.TotalBytes], owner);
        return true;
    }

    private static bool SetRange(ReadChunkRequest request, ServerCall call, StoredBlocks found)
    {
        var owner = MemoryPool<byte>.Shared.Rent(PieceHeader.Bytes + (int)request.RangeLength);
        var fault = BlockCodec.EncodeRange(
            new BlockIndex(request.FirstBlock),
            found.Pieces,
            (int)request.RangeOffset,
            (int)request.RangeLength,
            owner.Memory.Span,
            out var written);
        if (fault != PieceFault.None)
        {
            owner.Dispose();
            return false;
        }

        call.SetReplyPayload(owner.Memory[..written], owner);
        return true;
    }

    /// <summary>
    /// Makes carried blocks as the tail of the present version has them. If it cannot be read, it has failed as one
    /// that does not take a write: the chain is broken, and what was carried is carried into the next version.
    /// </summary>
    /// <param name="replica">In the present version.</param>
    /// <param name="carried">Which blocks.</param>
    /// <param name="tail">The last of the chain; null: this server.</param>
    private async Task SettleAsync(OpenChunk replica, IReadOnlyList<BlockIndex> carried, ChainHop? tail)
    {
        var at = tail?.Server ?? serving.Self.Value;
        try
        {
            var store = stores.Of(replica.Chunk)
                ?? throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {replica.Chunk} is not here.");
            foreach (var block in carried)
            {
                if (tail != null)
                {
                    await SettleAsync(store, replica.Chunk, replica.Replica.Version, block, tail)
                        .ConfigureAwait(false);
                }

                replica.HasSettled(block);
                metrics.Settled();
            }
        }
        catch (DistFsException e)
        {
            Break(replica, new ChainFailure(new ServerId(at), ErrorCatalog.ChainBroken, e.Message));
        }
    }

    private async Task SettleAsync(
        IChunkStore store, ChunkId chunk, ChunkVersion version, BlockIndex block, ChainHop tail)
    {
        if (!store.TryGet(chunk, out var info) || info.Version != version)
        {
            throw new DistFsException(ErrorCatalog.ChunkVersionStale, $"Chunk {chunk} went on from {version}.");
        }

        var request = new ReadChunkRequest
        {
            Name = new ChunkName { Chunk = chunk.Value, Version = version.Value, StoredLength = info.Length },
            Server = tail.Server,
            FirstBlock = block.Value,
            Blocks = 1,
            AtTail = true,
        };
        using var reply = await links.To(tail.Address)
            .CallAsync(ChunkDataMethods.Read, request, new CallOptions(HopTimeout))
            .ConfigureAwait(false);
        if (PieceReader.Verify(reply.Payload.Span, out _) != PieceFault.None)
        {
            throw new DistFsException(ErrorCatalog.BlockCorrupt, $"Block {block} of {chunk} came damaged.");
        }

        using var here = store.Read(chunk, version, block, 1);
        if (!AreEqual(here, reply.Payload.Span))
        {
            var start = block.Value * (uint)ChunkLayout.BlockBytes;
            var pieces = new byte[PieceHeader.Bytes + reply.Payload.Length];
            var zeros = BlockCodec.EncodeZeros(
                block, 0, (int)Math.Min(ChunkLayout.BlockBytes, info.Length - start), pieces);
            reply.Payload.Span.CopyTo(pieces.AsSpan(zeros));
            await store.WriteAsync(chunk, version, pieces, isDurable: false, CancellationToken.None)
                .ConfigureAwait(false);
        }
    }

    private static bool AreEqual(StoredBlocks here, ReadOnlySpan<byte> there)
    {
        foreach (var piece in here.Pieces)
        {
            if (!there.StartsWith(piece.Bytes.Span))
            {
                return false;
            }

            there = there[piece.Bytes.Length..];
        }

        return there.IsEmpty;
    }
}
