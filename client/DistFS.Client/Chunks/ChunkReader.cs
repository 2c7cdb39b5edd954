using System.Diagnostics;
using System.Runtime.CompilerServices;
using DistFS.Blocks;
using DistFS.Client.Cluster;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Client.Chunks;

/// <summary>
/// Reads chunks: from any of their servers, whatever happens to the others, and never a byte whose checksum is wrong
/// (docs/design/chain.md). For any number of threads.
/// </summary>
public sealed partial class ChunkReader(IRpcCallers links, ChunkReaderOptions? options = null)
{
    /// <summary>Up to this a server puts the bytes together: less is sent than it costs to do so.</summary>
    private const int RangeMax = 16 << 10;

    private readonly ChunkReaderOptions _options = options ?? new ChunkReaderOptions();
    private readonly FeltTimes _felt = new();

    /// <summary>Reads some bytes.</summary>
    /// <param name="target">The chunk.</param>
    /// <param name="versions">Asked when the version is another by now, or nobody can be read.</param>
    /// <param name="offset">Where in the chunk.</param>
    /// <param name="destination">
    /// Gets the bytes; up to 64 MiB. What was never written is zeros. Undefined when it fails; not written to after
    /// that.
    /// </param>
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

            // Of the last round, what each of them said: the last one's word alone may be the least of it.
            var said = round == _options.RoundsMax ? new List<string>() : null;

            // Readers of one chunk begin at different servers, and each of them always at the same: its cache is warm.
            var start = (int)((uint)_options.Preference % (uint)target.Servers.Count);
            for (var i = 0; i < target.Servers.Count && !isStale; i++)
            {
                var server = ServerAt(target, start, i);
                try
                {
                    var second = i == 0 && target.Servers.Count > 1 ? ServerAt(target, start, 1) : null;
                    await ReadAsync(target, server, second, offset, destination, cancellation).ConfigureAwait(false);
                    return target;
                }
                catch (DistFsException e) when (e.Code == ErrorCatalog.ChunkDirty)
                {
                    error = await TryTailAsync(target, offset, destination, cancellation).ConfigureAwait(false);
                    if (error == null)
                    {
                        return target;
                    }

                    said?.Add($"{server.Id}: {e.Message} The tail, {target.Tail.Id}: {error.Message}");
                }
                catch (DistFsException e)
                {
                    (error, isStale) = (e, e.Code == ErrorCatalog.ChunkVersionStale);
                    said?.Add($"{server.Id}: {e.Message}");
                }
            }

            if (said != null)
            {
                throw new DistFsException(
                    error!.Code,
                    $"{target.Chunk} {target.Version} cannot be read. {string.Join(" ", said)}",
                    error,
                    error.Status);
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
            Name = target.Name,
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

        request.FeltUs = _felt.Take(server.Id, out var felt);
        request.FeltBlocks = felt;
        var began = _felt.IsWanted(isRange: request.RangeLength > 0) ? Stopwatch.GetTimestamp() : 0;
        var (fault, block) = await ReceiveAsync(request, server, offset, destination, cancellation)
            .ConfigureAwait(false);
        if (fault != PieceFault.None)
        {
            await ReportAsync(request, server, cancellation).ConfigureAwait(false);
            throw new DistFsException(
                ErrorCatalog.BlockCorrupt,
                $"Block {block} of {target.Chunk} came damaged from {server.Id}: {fault}.");
        }

        if (began != 0)
        {
            _felt.Note(server.Id, request.RangeLength > 0 ? 0 : request.Blocks, Stopwatch.GetElapsedTime(began));
        }
    }

    /// <summary>Receives the blocks into the destination, and says what was wrong with which of them.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(PieceFault Fault, BlockIndex Block)> ReceiveAsync(
        ReadChunkRequest request,
        ChunkServerAddress server,
        uint offset,
        Memory<byte> destination,
        CancellationToken cancellation)
    {
        using var sink = BlockSink.Rent(offset, destination);
        try
        {
            using var reply = await links.To(server.Address)
                .CallAsync(
                    ChunkDataMethods.Read,
                    request,
                    new CallOptions(_options.CallTimeout, Cancellation: cancellation) { Sink = sink })
                .ConfigureAwait(false);
            return (sink.Finish(out var block), block);
        }
        catch (OperationCanceledException)
        {
            _options.Choice?.Wasted(sink.Received);
            throw;
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

    /// <summary>The nearest first, and a second one if that is slow. Null: neither.</summary>
    internal ReplicaChoice? Choice { get; init; }

    /// <summary>As clients read: from the nearest server, and from another if that is slow.</summary>
    internal static ChunkReaderOptions Of(DistFsClientOptions options, ServerBook servers) => new()
    {
        Preference = Random.Shared.Next(),
        Choice = new ReplicaChoice(new ServerDistance(options.Rack, servers.Known).Of, options.Clock)
        {
            Hedges = options.HedgesReads,
        },
    };

    /// <summary>Where it goes on.</summary>
    internal ShellScheduler Scheduler { get; init; } = ShellScheduler.Pool;
}
