using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Client.Names;
using DistFS.Primitives;

namespace DistFS.Client.Files;

/// <summary>
/// Reads a file: each piece of up to 1 MiB from the servers of its chunk, several at a time, into the caller's memory.
/// Any thread.
/// </summary>
internal sealed class FileReader(FileContext context, FileMapping mapping)
{
    /// <summary>Of one request: as many blocks as a server gives at a time.</summary>
    public const int PieceBytes = ChunkLayout.ReadBlocksMax * ChunkLayout.BlockBytes;

    /// <summary>So often a read begins anew since the file was cut or replaced under it.</summary>
    private const int RoundsMax = 5;

    /// <summary>Reads bytes from an offset on: as many as there are, up to the size of the destination.</summary>
    /// <returns>How many; fewer only at the end of the file.</returns>
    /// <exception cref="DistFsException">They cannot be read.</exception>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        for (var round = 1; ; round++)
        {
            var view = await PrepareAsync(offset, destination.Length, cancellation).ConfigureAwait(false);
            var length = (int)Math.Clamp(view.Size - offset, 0, destination.Length);
            try
            {
                await FillAsync(view, offset, destination[..length], cancellation).ConfigureAwait(false);
                return length;
            }
            catch (DistFsException e) when (e.Status == FsStatus.Stale && round < RoundsMax)
            {
                mapping.Forget();
            }
        }
    }

    /// <summary>Knows all that is asked for, or asks now.</summary>
    private async ValueTask<MapView> PrepareAsync(long offset, int length, CancellationToken cancellation)
    {
        var (view, end) = (mapping.View, offset + length);
        var (first, _) = FileMapping.PlaceOf(offset);
        var isKnown = view.Size >= end;
        for (var at = offset; isKnown && at < end;)
        {
            var (index, within) = FileMapping.PlaceOf(at);
            var upTo = Math.Min(end, at - within + ChunkLayout.ChunkBytes);
            isKnown = (view[index] is { } chunk && upTo - (at - within) <= chunk.Length) || upTo <= view.Inline.Length;
            at = upTo;
        }

        return isKnown ? view : await mapping.LoadAsync(first, refreshServers: false, cancellation)
            .ConfigureAwait(false);
    }

    private async ValueTask FillAsync(
        MapView view, long offset, Memory<byte> destination, CancellationToken cancellation)
    {
        if (destination.Length <= PieceBytes - (int)(offset % PieceBytes))
        {
            await FillPieceAsync(view, offset, destination, cancellation).ConfigureAwait(false);
            return;
        }

        var pieces = new List<(long Offset, Memory<byte> Into)>();
        for (var at = 0; at < destination.Length;)
        {
            var length = Math.Min(destination.Length - at, PieceBytes - (int)((offset + at) % PieceBytes));
            pieces.Add((offset + at, destination.Slice(at, length)));
            at += length;
        }

        await Parallel.ForEachAsync(
            pieces,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = context.Options.ReadsInFlight,
                CancellationToken = cancellation,
            },
            (piece, stop) => FillPieceAsync(view, piece.Offset, piece.Into, stop)).ConfigureAwait(false);
    }

    /// <summary>Within one chunk.</summary>
    private async ValueTask FillPieceAsync(
        MapView view, long offset, Memory<byte> into, CancellationToken cancellation)
    {
        if (offset < view.Inline.Length)
        {
            var inline = view.Inline[(int)offset..];
            var length = Math.Min(inline.Length, into.Length);
            inline[..length].CopyTo(into);
            into.Span[length..].Clear();
            return;
        }

        var (index, within) = FileMapping.PlaceOf(offset);
        var chunk = view[index];
        var stored = chunk == null ? 0 : (int)Math.Clamp(chunk.Length - (long)within, 0, into.Length);
        into.Span[stored..].Clear();
        if (stored > 0)
        {
            var target = await context.Reader
                .ReadAsync(
                    chunk!.Target,
                    new Lookups(mapping, index, within + (uint)stored),
                    within,
                    into[..stored],
                    cancellation)
                .ConfigureAwait(false);
            if (!ReferenceEquals(target, chunk.Target))
            {
                mapping.Update(index, chunk, target);
            }
        }
    }

    /// <summary>
    /// What stands at a place now, if it has all that is to be read: else the view by which that was decided is over,
    /// and what is missing is no hole.
    /// </summary>
    private sealed class Lookups(FileMapping mapping, ulong index, uint end) : IChunkVersions
    {
        public Task<ChunkTarget> BeginVersionAsync(
            ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation) =>
            throw new InvalidOperationException("A reader begins no version.");

        public async Task<ChunkTarget> LookUpAsync(ChunkTarget before, CancellationToken cancellation)
        {
            var now = await mapping.LoadAsync(index, refreshServers: true, cancellation).ConfigureAwait(false);
            return now[index] is { } chunk && chunk.Target.Chunk == before.Chunk && chunk.Length >= end
                ? chunk.Target
                : throw FileErrors.Of(FsStatus.Stale, mapping.Path);
        }
    }
}
