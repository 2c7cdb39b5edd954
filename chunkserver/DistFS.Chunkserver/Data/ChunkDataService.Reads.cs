using System.Buffers;
using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Chunkserver.Data;

/// <content>Reading, comparing, and fetching from the tail what was dirty when a version ended.</content>
internal sealed partial class ChunkDataService
{
    private static readonly ParallelOptions SettleAtOnce = new() { MaxDegreeOfParallelism = 8 };

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
        var replica = open.Find(chunk);
        RequireClean(replica, store, version, request);
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

        // And afterwards: what was clean before and is clean now was committed when it was read. Where a version began
        // between, or something was settled, it need not have been.
        if (open.Find(chunk) != replica)
        {
            throw Dirty(chunk, version);
        }

        RequireClean(replica, store, version, request);
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
    internal async Task SettleAsync(
        IEnumerable<OpenChunk> begun, IReadOnlyList<ChunkFence> fences, IReadOnlyList<ChainHop> members)
    {
        await Parallel.ForEachAsync(begun, SettleAtOnce, async (replica, _) =>
        {
            var servers = fences.First(fence => fence.Chunk == replica.Chunk.Value).Servers;
            var isTail = servers.Count > 0 && servers[^1] == serving.Self.Value;
            var tail = isTail ? null : members.FirstOrDefault(member => member.Server == servers.LastOrDefault());
            Task<ChainFailure?> settling;
            lock (replica.Gate)
            {
                if (replica.Replica.Carried.Count == 0 || (!isTail && tail == null))
                {
                    return;
                }

                settling = replica.SettleOnce((chunk, blocks) => SettleAsync(chunk, blocks, tail));
            }

            // What does not succeed stays dirty here, and is read at the tail: until a writer comes, or a version.
            await settling.ConfigureAwait(false);
        }).ConfigureAwait(false);
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

    private static void RequireClean(
        OpenChunk? replica, IChunkStore store, ChunkVersion version, ReadChunkRequest request)
    {
        var chunk = new ChunkId(request.Name.Chunk);
        if (replica == null)
        {
            // At rest since this run began: what is not sealed may have been under way before. Who copies was sent by
            // the leader, who knows that nobody writes.
            if (!request.AtTail && !request.ForCopy
                && store.TryGet(chunk, out var info) && info is { IsSealed: false, Copy.Value: 0 })
            {
                throw Dirty(chunk, version);
            }

            return;
        }

        lock (replica.Gate)
        {
            if (replica.Replica.Version.Value > version.Value)
            {
                throw new DistFsException(
                    ErrorCatalog.ChunkVersionStale, $"Chunk {chunk} has gone on from {version} here.");
            }

            if (replica.Replica.IsUnborn)
            {
                throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Nothing of chunk {chunk} is here yet.");
            }

            // Who copies was sent by the leader, who knows that nobody writes: he may have what a restart only made
            // doubtful. What is known to be dirty is settled first.
            if (request.AtTail || (request.ForCopy && replica.Replica.Origin == ReplicaOrigin.Rest))
            {
                return;
            }

            for (var i = 0u; i < request.Blocks; i++)
            {
                if (replica.Replica.Version != version
                    || replica.Replica.IsDirty(new BlockIndex(request.FirstBlock + i)))
                {
                    throw Dirty(chunk, version);
                }
            }
        }
    }

    private static DistFsException Dirty(ChunkId chunk, ChunkVersion version) =>
        new(ErrorCatalog.ChunkDirty, $"What is asked for of {chunk} {version} may not be with all of its servers.");

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

    /// <summary>Makes carried blocks as the tail of the present version has them.</summary>
    /// <param name="replica">In the present version.</param>
    /// <param name="carried">Which blocks.</param>
    /// <param name="tail">The last of the chain; null: this server.</param>
    /// <returns>Null: all of them are. Else why not, and at whom.</returns>
    private async Task<ChainFailure?> SettleAsync(
        OpenChunk replica, IReadOnlyList<BlockIndex> carried, ChainHop? tail)
    {
        try
        {
            var store = stores.Of(replica.Chunk)
                ?? throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {replica.Chunk} is not here.");
            var settling = tail == null
                ? null
                : new Settling(links, store, replica.Chunk, replica.Replica.Version, tail);
            await foreach (var block in (settling?.RunAsync(carried) ?? carried.ToAsyncEnumerable())
                .ConfigureAwait(false))
            {
                replica.HasSettled(block);
                metrics.Settled();
            }

            return null;
        }
        catch (DistFsException e)
        {
            var at = e is RpcException && tail != null ? new ServerId(tail.Server) : serving.Self;
            return new ChainFailure(at, ErrorCatalog.ChainBroken, e.Message);
        }
    }
}
