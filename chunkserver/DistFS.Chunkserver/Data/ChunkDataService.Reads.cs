using System.Buffers;
using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Chunkserver.Data;

/// <content>Reading, and comparing.</content>
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

        if (request is { ForCopy: true, Blocks: 1, RangeLength: 0 } && ReadOfLost(request, call) is { } sound)
        {
            return sound;
        }

        if (request.ForCopy && pacer != null)
        {
            // Whoever copies waits, so that clients need not.
            await pacer.Given.TakeAsync((int)request.Blocks * ChunkLayout.BlockBytes, call.CancellationToken)
                .ConfigureAwait(false);
        }

        var store = await StoreForReadAsync(request.Name).ConfigureAwait(false);
        var (chunk, version) = (new ChunkId(request.Name.Chunk), new ChunkVersion(request.Name.Version));
        var replica = open.Find(chunk);
        if (Refusal(replica, store, version, request) is { } before)
        {
            throw before;
        }

        var reply = request.Verify && !IsSound(store, request) ? null
            : request.RangeLength > 0 ? ReadRange(store, request, call)
            : ReadBlocks(store, request, call);
        if (reply == null)
        {
            // The copy is given up: it is told as lost, and replaced.
            metrics.Damaged();
            open.Close(chunk);
            await store.MarkLostAsync(chunk, version, FsStatus.Corrupt, CancellationToken.None).ConfigureAwait(false);
            throw new DistFsException(
                ErrorCatalog.BlockCorrupt, $"A block of chunk {chunk} is damaged on server {serving.Self}.");
        }

        if (RefusalAfter(replica, store, version, request) is { } after)
        {
            throw after;
        }

        RequireServing();
        pacer?.Felt(request);
        return reply;
    }

    /// <summary>
    /// A small read of what is in memory, on the thread that received it. Whatever else it may be, of anything but a
    /// plain success, is found out by <see cref="ReadAsync"/>.
    /// </summary>
    internal ReadChunkReply? ReadAtHand(ReadChunkRequest request, ServerCall call)
    {
        if (request.RangeLength is 0 or > SmallBuffer.RangeMax || request.Blocks != 1 || request.Verify
            || request.FirstBlock >= ChunkLayout.BlocksMax
            || request.RangeOffset > ChunkLayout.BlockBytes - request.RangeLength
            || request.Server != serving.Self.Value || !serving.IsServing)
        {
            return null;
        }

        var (chunk, version) = (new ChunkId(request.Name.Chunk), new ChunkVersion(request.Name.Version));
        var replica = open.Find(chunk);
        if (stores.Of(chunk) is not { } store || Refusal(replica, store, version, request) != null)
        {
            return null;
        }

        var buffer = SmallBuffer.Rent();
        var read = store.ReadRange(chunk, version, RangeOf(request), isAtHand: true, buffer.Memory.Span);
        if (read.Outcome != RangeOutcome.Done || RefusalAfter(replica, store, version, request) != null
            || !serving.IsServing)
        {
            buffer.Dispose();
            return null;
        }

        call.SetReplyPayload(buffer.Memory[..read.Bytes], buffer);
        metrics.ReadAtHand(read.Bytes);
        pacer?.Felt(request);
        return new ReadChunkReply { Length = read.Length };
    }

    /// <summary>
    /// What is right in a copy that is lost, for a server that mends its own: null if it is not lost here.
    /// </summary>
    private ReadChunkReply? ReadOfLost(ReadChunkRequest request, ServerCall call)
    {
        var chunk = new ChunkId(request.Name.Chunk);
        if (stores.Of(chunk) is not { } store || !store.TryGet(chunk, out var info) || info.State != ChunkState.Lost)
        {
            return null;
        }

        RequireServing();
        var found = store.ReadSound(
            chunk, new ChunkVersion(request.Name.Version), new BlockIndex(request.FirstBlock));
        call.SetReplyPayload(PieceSegment.Join(found.Pieces), found);
        metrics.Read(found.TotalBytes);
        return new ReadChunkReply { Length = found.Length };
    }

    internal async ValueTask<DigestChunkReply> Digest(DigestChunkRequest request, ServerCall call)
    {
        RequireSelf(request.Server);
        var chunk = new ChunkId(request.Name.Chunk);
        var store = stores.Of(chunk)
            ?? throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");
        if (store.TryGet(chunk, out var asked))
        {
            open.RequireCounts(asked);
            if (request.Name.Sealed)
            {
                await open.ForReadAsync(store, asked, FenceOf(request.Name)).ConfigureAwait(false);
            }
        }

        var digests = new List<BlockDigest>();
        if (!request.StateOnly)
        {
            store.Digest(chunk, new ChunkVersion(request.Name.Version), digests);
        }

        var isHere = store.TryGet(chunk, out var info);
        var reply = new DigestChunkReply
        {
            Length = isHere ? info.Length : 0,
            Sealed = isHere && info.IsSealed && info.Version.Value == request.Name.Version,
        };
        foreach (var digest in digests)
        {
            reply.Blocks.Add(digest.Block.Value);
            reply.Pieces.Add((uint)digest.Pieces);
            reply.Checksums.Add(digest.Checksum);
        }

        return reply;
    }

    private async ValueTask<IChunkStore> StoreForReadAsync(ChunkName name)
    {
        var chunk = new ChunkId(name.Chunk);
        if (stores.Of(chunk) is not { } store || !store.TryGet(chunk, out var info))
        {
            throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");
        }

        await open.ForReadAsync(store, info, FenceOf(name)).ConfigureAwait(false);
        return store;
    }

    private static VersionFence FenceOf(ChunkName name) => new(
        new ChunkId(name.Chunk),
        new ChunkVersion(name.Version),
        name.StoredLength,
        KeepsBeyond: name.KeepsBeyond,
        IsSealed: name.Sealed);

    /// <summary>Why a read may not be answered here; null: what it asks for is committed.</summary>
    private DistFsException? Refusal(
        OpenChunk? replica, IChunkStore store, ChunkVersion version, ReadChunkRequest request)
    {
        var chunk = new ChunkId(request.Name.Chunk);
        if (replica == null)
        {
            if (!store.TryGet(chunk, out var info))
            {
                // Whoever reads it finds out.
                return null;
            }

            // At rest since this run began: what is not sealed may have been under way before, and need not be what the
            // others have. What is unclean is nobody's: only here, as it is never open.
            return open.RefusalOf(info)
                ?? (!request.AtTail && !info.IsSealed
                    ? Dirty(chunk, version)
                    : null);
        }

        lock (replica.Gate)
        {
            if (replica.Replica.Version.Value > version.Value)
            {
                return new DistFsException(
                    ErrorCatalog.ChunkVersionStale, $"Chunk {chunk} has gone on from {version} here.");
            }

            if (replica.Replica.IsUnborn)
            {
                return new DistFsException(ErrorCatalog.ChunkUnknown, $"Nothing of chunk {chunk} is here yet.");
            }

            if (request.AtTail)
            {
                return null;
            }

            for (var i = 0u; i < request.Blocks; i++)
            {
                if (replica.Replica.Version != version
                    || replica.Replica.IsDirty(new BlockIndex(request.FirstBlock + i)))
                {
                    return Dirty(chunk, version);
                }
            }
        }

        return null;
    }

    /// <summary>
    /// As before it was read, and afterwards: what was clean both times was committed when it was read. Where a version
    /// began between, or something was settled, it need not have been.
    /// </summary>
    private DistFsException? RefusalAfter(
        OpenChunk? replica, IChunkStore store, ChunkVersion version, ReadChunkRequest request)
    {
        var chunk = new ChunkId(request.Name.Chunk);
        return open.Find(chunk) == replica ? Refusal(replica, store, version, request) : Dirty(chunk, version);
    }

    private static DistFsException Dirty(ChunkId chunk, ChunkVersion version) =>
        new(ErrorCatalog.ChunkDirty, $"What is asked for of {chunk} {version} may not be with all of its servers.");

    private static BlockRange RangeOf(ReadChunkRequest request) =>
        new(new BlockIndex(request.FirstBlock), (int)request.RangeOffset, (int)request.RangeLength);

    /// <summary>Null: what was asked for has to be put together here, and is damaged.</summary>
    private ReadChunkReply? ReadRange(IChunkStore store, ReadChunkRequest request, ServerCall call)
    {
        IMemoryOwner<byte> owner = request.RangeLength <= SmallBuffer.RangeMax
            ? SmallBuffer.Rent()
            : MemoryPool<byte>.Shared.Rent(PieceHeader.Bytes + (int)request.RangeLength);
        call.SetReplyPayload(owner.Memory, owner);
        var read = store.ReadRange(
            new ChunkId(request.Name.Chunk),
            new ChunkVersion(request.Name.Version),
            RangeOf(request),
            isAtHand: false,
            owner.Memory.Span);
        if (read.Outcome != RangeOutcome.Done)
        {
            return null;
        }

        call.TrimReplyPayload(read.Bytes);
        metrics.Read(read.Bytes);
        return new ReadChunkReply { Length = read.Length };
    }

    private ReadChunkReply ReadBlocks(IChunkStore store, ReadChunkRequest request, ServerCall call)
    {
        // Who gets it, a client or a server that copies, sums it up, and says when it is wrong (Verify).
        var (chunk, version) = (new ChunkId(request.Name.Chunk), new ChunkVersion(request.Name.Version));
        var (first, count) = (new BlockIndex(request.FirstBlock), (int)request.Blocks);
        var found = request.Verify
            ? store.Read(chunk, version, first, count)
            : store.ReadUnchecked(chunk, version, first, count);
        call.SetReplyPayload(PieceSegment.Join(found.Pieces), found);
        metrics.Read(found.TotalBytes);
        return new ReadChunkReply { Length = found.Length };
    }

    /// <summary>
    /// Bytes came damaged to a reader: whether they are right on the disk. If they are, it may be what is in memory.
    /// </summary>
    private static bool IsSound(IChunkStore store, ReadChunkRequest request)
    {
        var chunk = new ChunkId(request.Name.Chunk);
        for (var i = 0u; i < request.Blocks; i++)
        {
            store.Forget(chunk, new BlockIndex(request.FirstBlock + i));
        }

        using var found = store.Read(
            chunk, new ChunkVersion(request.Name.Version), new BlockIndex(request.FirstBlock), (int)request.Blocks);
        return found.Verify(out _) == PieceFault.None;
    }
}
