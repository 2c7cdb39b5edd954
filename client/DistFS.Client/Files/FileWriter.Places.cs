using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Files;

/// <content>Its chunks: begun when something is written in them, and left.</content>
internal sealed partial class FileWriter
{
    /// <summary>Chunks that are open at a time. When there are as many, half of them are left together.</summary>
    private const int PlacesMax = 16;

    /// <summary>Of these, such as were written to their ends, and are being made durable.</summary>
    private const int SealingMax = 3;

    /// <summary>So often what is to replace a chunk is filled anew, since others write the same place.</summary>
    private const int FillsMax = 5;

    // Under the gate; in the order in which they were written to last. The last is that written to now.
    private readonly List<WrittenPlace> _places = [];

    // Requests under way, of all of them.
    private readonly Turnstile _window;

    /// <summary>False: there is no room for it, beside others either; what waits is on its way.</summary>
    private async ValueTask<bool> TryGatherAsync(
        long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        if (!_gathered.TryAdd(offset, content.Span))
        {
            await DrainAsync(cancellation).ConfigureAwait(false);
            if (!_gathered.TryAdd(offset, content.Span))
            {
                return false;
            }
        }

        if (_gathered.IsRun && _gathered.WholeBlocks(out var index) is { Content.IsEmpty: false } run)
        {
            await SendAsync(index, [run], cancellation).ConfigureAwait(false);
            _gathered.SentOfRun(run.Content.Length);
        }

        return true;
    }

    /// <summary>What was gathered is on its way, place by place. What cannot be sent stays.</summary>
    private async ValueTask DrainAsync(bool isDurable, CancellationToken cancellation)
    {
        while (!_gathered.IsEmpty)
        {
            var (index, parts) = _gathered.FirstPlace();
            await SendAsync(index, parts, isDurable, cancellation).ConfigureAwait(false);
            _gathered.Sent(parts.Count);
        }
    }

    private ValueTask DrainAsync(CancellationToken cancellation) => DrainAsync(isDurable: false, cancellation);

    private ValueTask SendAsync(ulong index, IReadOnlyList<ChunkPart> parts, CancellationToken cancellation) =>
        SendAsync(index, parts, isDurable: false, cancellation);

    private async ValueTask SendAsync(
        ulong index, IReadOnlyList<ChunkPart> parts, bool isDurable, CancellationToken cancellation)
    {
        var place = await PlaceAsync(index, cancellation).ConfigureAwait(false);

        // Its end is not waited for here: a failure is every later call's too.
        _ = await place.Writer.BeginAsync(parts, isDurable, cancellation).ConfigureAwait(false);
        place.End = Math.Max(place.End, (uint)parts.Max(static part => part.End));
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
        List<WrittenPlace> leaving;
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

            var sealing = _places.Where(static place => place.Sealing != null).ToList();
            leaving = known != null ? [known]
                : sealing.Count >= SealingMax ? sealing[..(sealing.Count - SealingMax + 1)]
                : _places.Count >= PlacesMax ? _places[..(PlacesMax / 2)]
                : [];
        }

        await LeavePlacesAsync(leaving, cancellation).ConfigureAwait(false);
        ThrowIfOver();
        var begun = await BeginPlaceAsync(index, cancellation).ConfigureAwait(false);
        lock (_gate)
        {
            if (!_stop.IsCancellationRequested)
            {
                _places.Add(begun);
                return begun;
            }
        }

        await begun.DisposeAsync().ConfigureAwait(false);
        ThrowIfOver();
        return begun;
    }

    /// <summary>A chunk that the metaservers have given already; before anything is written.</summary>
    public async Task BeginAsync(ChunkInfo given, CancellationToken cancellation)
    {
        if (given is { Begun: true, Replacement: false })
        {
            var place = await WrittenPlace
                .BeginAsync(_context, _mapping, _open, given, _window, cancellation).ConfigureAwait(false);
            lock (_gate)
            {
                _places.Add(place);
            }
        }
    }

    /// <summary>Somebody gave the writer up: nothing more is sent.</summary>
    private void ThrowIfOver()
    {
        if (_stop.IsCancellationRequested)
        {
            throw new DistFsException(ErrorCatalog.Cancelled, $"{_mapping.Path}: the writer was disposed of.");
        }
    }

    private async Task<WrittenPlace> BeginPlaceAsync(ulong index, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (begun, isReplacement) = await WrittenPlace
                .BeginAsync(_context, _mapping, _open, index, _window, cancellation).ConfigureAwait(false);
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

    /// <summary>They are made durable, committed, sealed, and left; behind that, what else is to be done.</summary>
    private async Task LeavePlacesAsync(
        IReadOnlyCollection<WrittenPlace> leaving,
        CancellationToken cancellation,
        Func<Operation?>? then = null)
    {
        if (leaving.Count == 0 && then == null)
        {
            return;
        }

        await Task.WhenAll(leaving.Select(place =>
                place.Sealing?.WaitAsync(cancellation) ?? place.Writer.SealAsync(cancellation)))
            .ConfigureAwait(false);
        await CommitAsync(leaving, () => Then(leaving, then), cancellation).ConfigureAwait(false);
        lock (_gate)
        {
            _places.RemoveAll(leaving.Contains);
        }

        foreach (var place in leaving)
        {
            await place.DisposeAsync().ConfigureAwait(false);
        }
    }

    private IEnumerable<Operation> Then(IReadOnlyCollection<WrittenPlace> leaving, Func<Operation?>? then)
    {
        if (leaving.Count > 0)
        {
            var seal = new SealChunksRequest { Inode = _mapping.Inode.Value, Handle = _open.Handle };
            seal.Chunks.AddRange(leaving.Select(static place => place.Written));
            yield return new Operation { SealChunks = seal };
        }

        if (then?.Invoke() is { } last)
        {
            yield return last;
        }
    }
}
