using System.Runtime.ExceptionServices;
using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Client.Names;
using DistFS.Client.Nodes;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Files;

/// <summary>
/// Writes a file: up to 16 KiB into its metadata, beyond into chunks, of which a few are open at a time
/// (docs/design/client.md); small writes are gathered, and sent together. One caller at a time; what it gave is
/// copied when a write returns.
/// </summary>
internal sealed partial class FileWriter : IAsyncDisposable
{
    /// <summary>
    /// What is acknowledged by chunk servers is committed this often, also when nobody asks: the leader takes a chunk
    /// in which nothing was committed for 60 s for one whose writer died.
    /// </summary>
    private static readonly TimeSpan CommitInterval = TimeSpan.FromSeconds(1);

    /// <summary>So much is made durable by itself, and not by a sync behind it.</summary>
    private const int DurableBytesMax = 64 << 10;

    private readonly FileContext _context;
    private readonly FileMapping _mapping;
    private readonly OpenHandleOf _open;
    private readonly SemaphoreSlim _committing = new(1);

    // Who writes, and who sends what others left: nobody asks for the wait handles of these two.
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();

    private readonly GatheredWrites _gathered;
    private readonly Task _keeping;
    private SmallContent? _small;

    // What was written is lost, and nobody was told yet.
    private DistFsException? _cutOff;

    /// <summary>Begins.</summary>
    /// <param name="context">Of the client.</param>
    /// <param name="mapping">Where the file's bytes are, as it is at the moment.</param>
    /// <param name="open">For writing.</param>
    /// <param name="small">The content, if it may stand in the metadata; null: there are chunks.</param>
    public FileWriter(FileContext context, FileMapping mapping, OpenHandleOf open, SmallContent? small)
    {
        (_context, _mapping, _open, _small) = (context, mapping, open, small);
        _gathered = new GatheredWrites(context.Gathering);
        _window = new Turnstile(ShellScheduler.Pool, context.Options.WritesInFlight);
        _keeping = Task.Run(KeepCommittedAsync);
    }

    /// <summary>The end of what was written here; the file may be longer.</summary>
    public long End { get; private set; }

    /// <summary>Begins to write: what is not with the cluster yet is in bounded memory.</summary>
    /// <exception cref="DistFsException">An earlier write failed, or there is no place for this one.</exception>
    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await WriteOneAsync(offset, content, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask WriteOneAsync(
        long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        if (_small is { } small)
        {
            if (small.TryWrite(offset, content.Span))
            {
                End = content.IsEmpty ? End : Math.Max(End, offset + content.Length);
                return;
            }

            await LeaveMetadataAsync(small, cancellation).ConfigureAwait(false);
        }

        while (!content.IsEmpty)
        {
            var (index, within) = FileMapping.PlaceOf(offset);
            var length = Math.Min(content.Length, ChunkLayout.ChunkBytes - (int)within);
            if (length >= GatheredWrites.WriteBytesMax
                || !await TryGatherAsync(offset, content[..length], cancellation).ConfigureAwait(false))
            {
                await DrainAsync(cancellation).ConfigureAwait(false);
                await SendAsync(index, [new ChunkPart(within, content[..length])], cancellation).ConfigureAwait(false);
            }

            End = Math.Max(End, offset + length);
            (offset, content) = (offset + length, content[length..]);
        }
    }

    /// <summary>Bytes stored for the file, as the metaservers said last when it was flushed; null: not yet.</summary>
    public long? StoredBytes { get; private set; }

    /// <summary>
    /// All that was written is the file's when this returns: any reader sees it. Unless that is all of
    /// <paramref name="kind"/>, it is on the disks of all servers of its chunks too.
    /// </summary>
    /// <param name="kind">Also on disks, or only so much of it.</param>
    /// <param name="then">
    /// Says what is done behind it at the metaservers; asked for when that is sent. Not for data alone.
    /// </param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="DistFsException">Something of it is not, and says why.</exception>
    public async Task FlushAsync(FlushKind kind, Func<Operation?> then, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_small is { } small)
            {
                await SendSmallAsync(small, cancellation).ConfigureAwait(false);
                await LeavePlacesAsync([], cancellation, then).ConfigureAwait(false);
                return;
            }

            ThrowIfCutOff();

            // A little goes down the chain once, to the disks with it, in place of twice.
            var isDurable = kind != FlushKind.Visible;
            await DrainAsync(isDurable && _gathered.Bytes <= DurableBytesMax, cancellation).ConfigureAwait(false);
            var places = Open();
            await Task.WhenAll(places.Select(place => place.Writer.FlushAsync(cancellation))).ConfigureAwait(false);

            // Each takes a round of disks, and neither needs the other: what is committed may be lost with the power
            // until it is synced, as it may without a sync.
            var unsynced = places.Where(place => isDurable && place.Writer.HasUnsynced);
            var syncing = Task.WhenAll(unsynced.Select(place => place.Writer.SyncAsync(cancellation)));
            var committing = kind == FlushKind.DurableData
                ? CommitAsync([.. places.Where(static place => place.Written.Length > place.Committed)], cancellation)
                : CommitAsync(places, () => Then([], then), cancellation);
            await Task.WhenAll(syncing, committing).ConfigureAwait(false);
        }
        finally
        {
            _mapping.Forget();
            _turn.Release();
        }
    }

    /// <summary>Cuts the file, or lets it grow by zeros, behind all that was written before.</summary>
    /// <exception cref="DistFsException">Refused, or an earlier write failed.</exception>
    public async Task SetLengthAsync(long length, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        var isCut = false;
        try
        {
            await SetLengthOnceAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (isCut)
        {
            // The file is as it was, but for what was written and not sent.
            _cutOff = new DistFsException(ErrorCatalog.WritesLost, $"{_mapping.Path}: {e.Message}", e);
            throw;
        }
        finally
        {
            _turn.Release();
        }

        async Task SetLengthOnceAsync()
        {
            if (_small is { } small)
            {
                await SendSmallAsync(small, cancellation).ConfigureAwait(false);
            }
            else
            {
                // What is cut off need not be sent, nor have room.
                isCut = _gathered.Cut(length);
                await DrainAsync(cancellation).ConfigureAwait(false);
                await LeavePlacesAsync(Open(), cancellation).ConfigureAwait(false);
            }

            var reply = await WrittenPlace.OneAsync(
                _context,
                _open,
                new Operation
                {
                    SetSize = new SetSizeRequest
                    {
                        Inode = _mapping.Inode.Value,
                        Size = (ulong)length,
                        Handle = _open.Handle,
                    },
                },
                cancellation).ConfigureAwait(false);
            FileErrors.Ensure(reply.Status, _mapping.Path);
            StoredBytes = (long?)reply.Attributes?.Allocated;
            if (_small?.TrySetLength(length) == false)
            {
                _small = null;
            }

            End = Math.Min(End, length);
            _mapping.Forget();
        }
    }

    private void ThrowIfCutOff()
    {
        if (_cutOff is { } lost)
        {
            _cutOff = null;
            throw lost;
        }
    }

    /// <summary>All that was written is durable, and the writer ends.</summary>
    /// <param name="then">Says what is done behind it at the metaservers; asked for when that is sent.</param>
    /// <param name="cancellation">Gives up; then it is not known what is in the file.</param>
    /// <exception cref="DistFsException">Something of it is not durable; the writer ends all the same.</exception>
    public async Task CompleteAsync(Func<Operation?> then, CancellationToken cancellation)
    {
        try
        {
            await _turn.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                await CompleteOnceAsync(then, cancellation).ConfigureAwait(false);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            _mapping.Forget();
            await DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What there is no room for is told; what is in other places stays the file's all the same.</summary>
    private async Task CompleteOnceAsync(Func<Operation?> then, CancellationToken cancellation)
    {
        DistFsException? failure = null;
        try
        {
            ThrowIfCutOff();
            await (_small is { } small
                ? SendSmallAsync(small, cancellation)
                : DrainAsync(cancellation).AsTask()).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            failure = e;
        }

        try
        {
            await LeavePlacesAsync(Open(), cancellation, then).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            failure ??= e;
            await TryCommitAllAsync(cancellation).ConfigureAwait(false);
        }

        if (failure != null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Gives up what is not acknowledged yet.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _keeping.ConfigureAwait(false);
        foreach (var place in Open())
        {
            await place.DisposeAsync().ConfigureAwait(false);
        }

        // Who has the turn meets that it is over, and may look at these bytes until then.
        if (await _turn.WaitAsync(TimeSpan.Zero, CancellationToken.None).ConfigureAwait(false))
        {
            _gathered.Dispose();
            _turn.Release();
        }
    }
}
