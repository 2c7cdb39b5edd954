using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Files;

/// <summary>
/// Writes a file: up to 4 KiB into its metadata, beyond into chunks, of which a few are open at a time
/// (docs/design/client.md). One caller at a time; what it gave is copied when a write returns.
/// </summary>
internal sealed partial class FileWriter : IAsyncDisposable
{
    /// <summary>Chunks that are open at a time; each may have a window of requests in memory.</summary>
    private const int PlacesMax = 3;

    /// <summary>So often what is to replace a chunk is filled anew, since others write the same place.</summary>
    private const int FillsMax = 5;

    /// <summary>
    /// What is acknowledged by chunk servers is committed this often, also when nobody asks: the leader takes a chunk
    /// in which nothing was committed for 60 s for one whose writer died.
    /// </summary>
    private static readonly TimeSpan CommitInterval = TimeSpan.FromSeconds(1);

    private readonly FileContext _context;
    private readonly FileMapping _mapping;
    private readonly OpenHandleOf _open;
    private readonly SemaphoreSlim _committing = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();

    // Under the gate; in the order in which they were written to last. The last is that written to now.
    private readonly List<WrittenPlace> _places = [];
    private readonly Task _keeping;
    private SmallContent? _small;

    /// <summary>Begins.</summary>
    /// <param name="context">Of the client.</param>
    /// <param name="mapping">Where the file's bytes are, as it is at the moment.</param>
    /// <param name="open">For writing.</param>
    /// <param name="small">The content, if it may stand in the metadata; null: there are chunks.</param>
    public FileWriter(FileContext context, FileMapping mapping, OpenHandleOf open, SmallContent? small)
    {
        (_context, _mapping, _open, _small) = (context, mapping, open, small);
        _keeping = Task.Run(KeepCommittedAsync);
    }

    /// <summary>The end of what was written here; the file may be longer.</summary>
    public long End { get; private set; }

    /// <summary>Begins to write: what is not with the cluster yet is in bounded memory.</summary>
    /// <exception cref="DistFsException">An earlier write failed, or there is no place for this one.</exception>
    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
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
            var place = await PlaceAsync(index, cancellation).ConfigureAwait(false);

            // Its end is not waited for here: a failure is every later call's too.
            _ = await place.Writer.BeginAsync(within, content[..length], isDurable: false, cancellation)
                .ConfigureAwait(false);
            place.End = Math.Max(place.End, within + (uint)length);
            End = Math.Max(End, offset + length);
            (offset, content) = (offset + length, content[length..]);
        }
    }

    /// <summary>
    /// All that was written is the file's when this returns: any reader sees it. With <paramref name="isDurable"/> it
    /// is on the disks of all servers of its chunks too.
    /// </summary>
    /// <exception cref="DistFsException">Something of it is not, and says why.</exception>
    public async Task FlushAsync(bool isDurable, CancellationToken cancellation)
    {
        try
        {
            if (_small is { } small)
            {
                await SendSmallAsync(small, cancellation).ConfigureAwait(false);
                return;
            }

            WrittenPlace[] places = Open();
            foreach (var place in places)
            {
                await (isDurable ? place.Writer.SyncAsync(cancellation) : place.Writer.FlushAsync(cancellation))
                    .ConfigureAwait(false);
            }

            await CommitAsync(places, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _mapping.Forget();
        }
    }

    /// <summary>Cuts the file, or lets it grow by zeros, behind all that was written before.</summary>
    /// <exception cref="DistFsException">Refused, or an earlier write failed.</exception>
    public async Task SetLengthAsync(long length, CancellationToken cancellation)
    {
        if (_small is { } small)
        {
            await SendSmallAsync(small, cancellation).ConfigureAwait(false);
        }
        else
        {
            await LeavePlacesAsync(0, cancellation).ConfigureAwait(false);
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
        if (_small?.TrySetLength(length) == false)
        {
            _small = null;
        }

        End = Math.Min(End, length);
        _mapping.Forget();
    }

    /// <summary>All that was written is durable, and the open ends.</summary>
    /// <param name="modifyTime">Null: when it was written.</param>
    /// <param name="cancellation">Gives up; then it is not known what is in the file.</param>
    /// <exception cref="DistFsException">Something of it is not durable; the open ends all the same.</exception>
    public async Task CompleteAsync(FileTime? modifyTime, CancellationToken cancellation)
    {
        try
        {
            if (_small is { } small)
            {
                await SendSmallAsync(small, cancellation).ConfigureAwait(false);
            }
            else
            {
                await LeavePlacesAsync(0, cancellation).ConfigureAwait(false);
            }

            if (modifyTime is { } time)
            {
                var reply = await WrittenPlace.OneAsync(_context, _open, SetTime(time), cancellation)
                    .ConfigureAwait(false);
                FileErrors.Ensure(reply.Status, _mapping.Path);
            }
        }
        finally
        {
            _mapping.Forget();
            await DisposeAsync().ConfigureAwait(false);
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

        _committing.Dispose();
    }

    private WrittenPlace[] Open()
    {
        lock (_gate)
        {
            return [.. _places];
        }
    }

    private async ValueTask<WrittenPlace> PlaceAsync(ulong index, CancellationToken cancellation)
    {
        WrittenPlace? known;
        lock (_gate)
        {
            known = _places.Find(place => place.Index == index);
            if (known is { Sealing: null })
            {
                _places.Remove(known);
                _places.Add(known);
                return known;
            }

            // Written to its end: nobody need wait for the disks when its turn to be left comes.
            if (_places.LastOrDefault() is { Sealing: null, IsFull: true } full)
            {
                full.Sealing = full.Writer.SealAsync(_stop.Token);
            }
        }

        await LeavePlacesAsync(known == null ? PlacesMax - 1 : 0, cancellation).ConfigureAwait(false);
        var begun = await BeginPlaceAsync(index, cancellation).ConfigureAwait(false);
        lock (_gate)
        {
            _places.Add(begun);
        }

        return begun;
    }

    private async Task<WrittenPlace> BeginPlaceAsync(ulong index, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (begun, isReplacement) = await WrittenPlace
                .BeginAsync(_context, _mapping, _open, index, cancellation).ConfigureAwait(false);
            if (!isReplacement)
            {
                return begun;
            }

            try
            {
                await FillAsync(begun, cancellation).ConfigureAwait(false);
                return begun;
            }
            catch (DistFsException) when (begun.IsTaken && attempt < FillsMax)
            {
                // Somebody else has filled it, or written what it was to be filled with: what stands there now counts.
                await begun.DisposeAsync().ConfigureAwait(false);
                _mapping.Forget();
            }
            catch
            {
                await begun.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>
    /// What stands at its place comes first: another file has the chunk too, or it is in the metadata.
    /// </summary>
    private async Task FillAsync(WrittenPlace place, CancellationToken cancellation)
    {
        place.IsFilling = true;
        var view = await _mapping.LoadAsync(place.Index, refreshServers: false, cancellation).ConfigureAwait(false);
        var start = (long)place.Index * ChunkLayout.ChunkBytes;
        var end = view[place.Index] is { } chunk ? (int)chunk.Length
            : place.Index == 0 ? view.Inline.Length : 0;
        var reader = new FileReader(_context, _mapping);
        var buffer = new byte[ChunkWriter.RequestBytes];
        for (var at = 0; at < end;)
        {
            var part = buffer.AsMemory(0, Math.Min(buffer.Length, end - at));
            var length = await reader.ReadAsync(start + at, part, cancellation).ConfigureAwait(false);
            if (length == 0)
            {
                break;
            }

            _ = await place.Writer.BeginAsync((uint)at, part[..length], isDurable: false, cancellation)
                .ConfigureAwait(false);
            at += length;
        }

        await place.Writer.SyncAsync(cancellation).ConfigureAwait(false);
        await place.InstallAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>All but the last so many are made durable, committed, sealed, and left.</summary>
    private async Task LeavePlacesAsync(int keep, CancellationToken cancellation)
    {
        WrittenPlace[] leaving;
        lock (_gate)
        {
            leaving = [.. _places.Take(Math.Max(0, _places.Count - keep))];
        }

        if (leaving.Length == 0)
        {
            return;
        }

        await Task.WhenAll(leaving.Select(place =>
                place.Sealing?.WaitAsync(cancellation) ?? place.Writer.SealAsync(cancellation)))
            .ConfigureAwait(false);
        await CommitAsync(leaving, cancellation).ConfigureAwait(false);
        var seal = new SealChunksRequest { Inode = _mapping.Inode.Value, Handle = _open.Handle };
        seal.Chunks.AddRange(leaving.Select(static place => place.Written));
        var reply = await WrittenPlace
            .OneAsync(_context, _open, new Operation { SealChunks = seal }, cancellation).ConfigureAwait(false);
        if (reply.Status is not (0 or (int)FsStatus.Stale))
        {
            // Stale: somebody else has begun a version since. What was committed is the file's.
            throw FileErrors.Of((FsStatus)reply.Status, _mapping.Path);
        }

        lock (_gate)
        {
            _places.RemoveAll(leaving.Contains);
        }

        foreach (var place in leaving)
        {
            await place.DisposeAsync().ConfigureAwait(false);
        }
    }

    private Operation SetTime(FileTime time) => new()
    {
        SetAttributes = new SetAttributesRequest
        {
            Inode = _mapping.Inode.Value,
            ModifyTime = new SetAttributesRequest.Types.NewTime
            {
                Time = new Time { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds },
            },
        },
    };
}
