using System.Buffers;
using System.Runtime.CompilerServices;
using DistFS.Blocks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Client.Chunks;

/// <summary>
/// Reads chunks: from any of their servers, whatever happens to the others, and never a byte whose checksum is wrong
/// (docs/design/chain.md). For any number of threads.
/// </summary>
public sealed class ChunkReader(IRpcCallers links, ChunkReaderOptions? options = null)
{
    /// <summary>Up to this a server puts the bytes together: less is sent than it costs to do so.</summary>
    private const int RangeMax = 16 << 10;

    private readonly ChunkReaderOptions _options = options ?? new ChunkReaderOptions();

    /// <summary>Reads some bytes.</summary>
    /// <param name="target">The chunk.</param>
    /// <param name="versions">Asked when the version is another by now, or nobody can be read.</param>
    /// <param name="offset">Where in the chunk.</param>
    /// <param name="destination">Gets the bytes; up to 64 MiB. What was never written is zeros.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The version in which it was read: the one to read in from then on.</returns>
    /// <exception cref="DistFsException">No server can be read; says why of the last one.</exception>
    public ValueTask<ChunkTarget> ReadAsync(
        ChunkTarget target,
        IChunkVersions versions,
        uint offset,
        Memory<byte> destination,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(versions);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            offset + (ulong)destination.Length, (ulong)ChunkLayout.ChunkBytes, nameof(destination));
        return destination.IsEmpty || destination.Length > RangeMax
            ? ReadAllAsync(target, versions, offset, destination, cancellation)
            : ReadBlocksAsync(target, versions, offset, destination, cancellation);
    }

    private async ValueTask<ChunkTarget> ReadAllAsync(
        ChunkTarget target,
        IChunkVersions versions,
        uint offset,
        Memory<byte> destination,
        CancellationToken cancellation)
    {
        while (!destination.IsEmpty)
        {
            var first = ChunkLayout.BlockOf(offset);
            var room = (int)(((first.Value + ChunkLayout.ReadBlocksMax) * (uint)ChunkLayout.BlockBytes) - offset);
            var length = Math.Min(destination.Length, room);
            target = await ReadBlocksAsync(target, versions, offset, destination[..length], cancellation)
                .ConfigureAwait(false);
            (offset, destination) = (offset + (uint)length, destination[length..]);
        }

        return target;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ChunkTarget> ReadBlocksAsync(
        ChunkTarget target,
        IChunkVersions versions,
        uint offset,
        Memory<byte> destination,
        CancellationToken cancellation)
    {
        for (var round = 1; ; round++)
        {
            DistFsException? error = null;
            var isStale = false;

            // Readers of one chunk begin at different servers, and each of them always at the same: its cache is warm.
            var start = (int)((uint)_options.Preference % (uint)target.Servers.Count);
            for (var i = 0; i < target.Servers.Count && !isStale; i++)
            {
                var server = target.Servers[(start + i) % target.Servers.Count];
                try
                {
                    await ReadAsync(target, server, offset, destination, isTail: server == target.Tail, cancellation)
                        .ConfigureAwait(false);
                    return target;
                }
                catch (DistFsException e) when (e.Code == ErrorCatalog.ChunkDirty)
                {
                    error = await TryTailAsync(target, offset, destination, cancellation).ConfigureAwait(false);
                    if (error == null)
                    {
                        return target;
                    }
                }
                catch (DistFsException e)
                {
                    (error, isStale) = (e, e.Code == ErrorCatalog.ChunkVersionStale);
                }
            }

            if (round == _options.RoundsMax)
            {
                throw new DistFsException(error!.Code, error.Message, error, error.Status);
            }

            if (round > 1)
            {
                await Task.Delay(
                    ChunkWriterOptions.PauseAfter(round - 1), _options.Scheduler.Clock, cancellation)
                    .ConfigureAwait(false);
            }

            target = await versions.LookUpAsync(target, cancellation).ConfigureAwait(false);
        }
    }

    private async ValueTask<DistFsException?> TryTailAsync(
        ChunkTarget target, uint offset, Memory<byte> destination, CancellationToken cancellation)
    {
        try
        {
            await ReadAsync(target, target.Tail, offset, destination, isTail: true, cancellation)
                .ConfigureAwait(false);
            return null;
        }
        catch (DistFsException e)
        {
            return e;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadAsync(
        ChunkTarget target,
        ChunkServerAddress server,
        uint offset,
        Memory<byte> destination,
        bool isTail,
        CancellationToken cancellation)
    {
        var first = ChunkLayout.BlockOf(offset);
        var end = ChunkLayout.BlocksOf(offset + (uint)destination.Length);
        var request = new ReadChunkRequest
        {
            Name = new ChunkName
            {
                Chunk = target.Chunk.Value,
                Version = target.Version.Value,
                StoredLength = target.StoredLength,
            },
            Server = server.Id.Value,
            FirstBlock = first.Value,
            Blocks = (uint)end - first.Value,
            AtTail = isTail,
        };
        if (request.Blocks == 1 && destination.Length <= RangeMax)
        {
            (request.RangeOffset, request.RangeLength) =
                (offset % ChunkLayout.BlockBytes, (uint)destination.Length);
        }

        using var reply = await links.To(server.Address)
            .CallAsync(
                ChunkDataMethods.Read,
                request,
                new CallOptions(_options.CallTimeout, Cancellation: cancellation))
            .ConfigureAwait(false);
        var fault = Merge(reply.Payload.Span, offset, destination.Span, out var block);
        if (fault != PieceFault.None)
        {
            await ReportAsync(request, server, cancellation).ConfigureAwait(false);
            throw new DistFsException(
                ErrorCatalog.BlockCorrupt,
                $"Block {block} of {target.Chunk} came damaged from {server.Id}: {fault}.");
        }
    }

    /// <summary>
    /// Lets the server look at its disk: a copy that is damaged there is given up, and replaced. Whatever it says,
    /// the bytes are read elsewhere.
    /// </summary>
    private async ValueTask ReportAsync(
        ReadChunkRequest request, ChunkServerAddress server, CancellationToken cancellation)
    {
        request.Verify = true;
        try
        {
            using var reply = await links.To(server.Address)
                .CallAsync(
                    ChunkDataMethods.Read,
                    request,
                    new CallOptions(_options.CallTimeout, Cancellation: cancellation))
                .ConfigureAwait(false);
        }
        catch (DistFsException)
        {
            // Damaged there too, most likely: then that is what it says.
        }
    }

    /// <summary>Whether no more pieces of a block come.</summary>
    private static bool IsLastOf(BlockIndex block, PieceReader ahead) =>
        !ahead.Next(out var next, out _) || next.Block != block;

    /// <summary>Puts blocks together; those without pieces are zeros.</summary>
    private static PieceFault Merge(
        ReadOnlySpan<byte> pieces, uint offset, Span<byte> destination, out BlockIndex block)
    {
        block = default;
        byte[]? whole = null;
        try
        {
            var reader = new PieceReader(pieces);
            var has = reader.Next(out var header, out var piece);
            while (!destination.IsEmpty)
            {
                block = ChunkLayout.BlockOf(offset);
                var within = (int)(offset % ChunkLayout.BlockBytes);
                var part = destination[..Math.Min(destination.Length, ChunkLayout.BlockBytes - within)];

                if (has && header is { Kind: PieceKind.Patch } && header.Block == block && header.Offset == within
                    && header.Length == part.Length && IsLastOf(block, reader))
                {
                    // What a server puts together: exactly what is wanted, and nothing of what lies below shows.
                    if (BlockCodec.Decode(piece, part, out _) is not PieceFault.None and var wrong)
                    {
                        return wrong;
                    }

                    has = reader.Next(out header, out piece);
                    offset += (uint)part.Length;
                    destination = destination[part.Length..];
                    continue;
                }

                // A block of which the end only is wanted is put together elsewhere.
                var room = within == 0
                    ? part
                    : (whole ??= ArrayPool<byte>.Shared.Rent(ChunkLayout.BlockBytes)).AsSpan(0, within + part.Length);
                if (!has || header.Block != block || header.Kind != PieceKind.Block)
                {
                    room.Clear();
                }

                while (has && header.Block == block)
                {
                    if (BlockCodec.Apply(block, piece, room) is not PieceFault.None and var fault)
                    {
                        return fault;
                    }

                    has = reader.Next(out header, out piece);
                }

                if (within > 0)
                {
                    room[within..].CopyTo(part);
                }

                offset += (uint)part.Length;
                destination = destination[part.Length..];
            }

            return reader.Fault != PieceFault.None ? reader.Fault : has ? PieceFault.Misplaced : PieceFault.None;
        }
        finally
        {
            if (whole != null)
            {
                ArrayPool<byte>.Shared.Return(whole);
            }
        }
    }
}

/// <summary>Limits of a <see cref="ChunkReader"/>.</summary>
public sealed record ChunkReaderOptions
{
    /// <summary>One server is given up after this. Default 5 s.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>So often all servers are tried, the metaservers asked between. Default 20: about 15 s.</summary>
    public int RoundsMax { get; init; } = 20;

    /// <summary>Which server is tried first.</summary>
    public int Preference { get; init; }

    /// <summary>Where it goes on.</summary>
    internal ShellScheduler Scheduler { get; init; } = ShellScheduler.Pool;
}
