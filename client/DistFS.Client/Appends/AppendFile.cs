using System.Buffers;
using System.Threading.Channels;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Client.Appends;

/// <summary>
/// A file to whose end this client adds (docs/design/client.md, "Appends"): records are put together, written and made
/// durable under a lease to write, under which nobody else changes the file, and acknowledged then.
/// </summary>
internal sealed class AppendFile : IAsyncDisposable
{
    /// <summary>So much is put together at a time; a longer record goes by itself.</summary>
    private const int BatchBytes = 1 << 20;

    /// <summary>Others are waited for so long at a time.</summary>
    private static readonly TimeSpan LeaseWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// A lease that was just granted is kept so long for what else comes: to take it from another costs some ten round
    /// trips, so two clients that add one record after the other would do little but that.
    /// </summary>
    private static readonly TimeSpan Quantum = TimeSpan.FromMilliseconds(30);

    private readonly DistFsNodes _nodes;
    private readonly DistFsClientOptions _options;
    private readonly Channel<PendingRecord> _records = Channel.CreateUnbounded<PendingRecord>();

    // Held by whoever writes, or gives the lease up. Nothing under it waits for other clients.
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Task _working;

    // Under the turn. The writer is there only since a lease began that has not ended since; all that it wrote is
    // flushed when the turn ends.
    private NodeOpen _open;
    private DistFsFile? _writer;
    private long _end;
    private bool _isDisposed;

    // Cancelled when leases are lost: what is under way is given up, since others may write by now.
    private volatile CancellationTokenSource _tenure = new();

    public AppendFile(DistFsNodes nodes, DistFsClientOptions options, NodeOpen open, string path)
    {
        (_nodes, _options, _open, Path) = (nodes, options, open, path);
        _working = Task.Run(WorkAsync);
    }

    /// <summary>Which.</summary>
    public InodeId Inode => _open.Inode;

    /// <summary>For messages.</summary>
    public string Path { get; }

    /// <summary>Appenders of it; under the turn of the book.</summary>
    public int Users { get; set; }

    /// <summary>Adds a record.</summary>
    public async Task<long> AppendAsync(ReadOnlyMemory<byte> record, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var pending = new PendingRecord(record);
        ObjectDisposedException.ThrowIf(!_records.Writer.TryWrite(pending), this);
        await using var giving = cancellation.UnsafeRegister(
            static (state, token) => ((PendingRecord)state!).GiveUp(token), pending).ConfigureAwait(false);
        return await pending.Added.ConfigureAwait(false);
    }

    /// <summary>Others wait for the lease. All that was written is flushed already.</summary>
    public async Task GiveUpAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            await CloseWriterAsync().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The lease is gone already.</summary>
    public void Lost()
    {
        var before = Interlocked.Exchange(ref _tenure, new CancellationTokenSource());
        before.Cancel();
    }

    /// <summary>What waits is added, then it is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        _records.Writer.TryComplete();
        await _working.ConfigureAwait(false);
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            await CloseWriterAsync().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }

        try
        {
            await _nodes.ReleaseAsync([Inode]).ConfigureAwait(false);
            await _nodes.CloseAsync(_open, CancellationToken.None).ConfigureAwait(false);
        }
        catch (DistFsException)
        {
            // Nobody answers: the open ends with the session. Each record was answered for itself.
        }
    }

    private async Task WorkAsync()
    {
        while (await _records.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            try
            {
                await AddUnderLeaseAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // No lease, or a defect: of those that wait nothing was written.
                while (_records.Reader.TryRead(out var record))
                {
                    record.Fail(e);
                }
            }
        }
    }

    private async Task AddUnderLeaseAsync()
    {
        var begun = _options.Clock.GetTimestamp();
        for (var pause = PauseMin; ; pause = pause * 2 < PauseMax ? pause * 2 : PauseMax)
        {
            await _nodes.GivenUp(Inode).ConfigureAwait(false);
            using (var pin = _nodes.ModeOf(Inode) == LeaseMode.Write ? null : await _nodes
                .AcquireToWriteAsync(Inode, LeaseWait, CancellationToken.None).ConfigureAwait(false))
            {
                await _turn.WaitAsync().ConfigureAwait(false);
                try
                {
                    if (await AddWhileHeldAsync(pin == null ? TimeSpan.Zero : Quantum).ConfigureAwait(false))
                    {
                        return;
                    }
                }
                finally
                {
                    _turn.Release();
                }
            }

            if (_options.Clock.GetElapsedTime(begun) > _options.Patience)
            {
                throw new DistFsException(ErrorCatalog.LeaseHeld, $"{Path}: others write it all the time.");
            }

            // A leader that has just begun grants nothing before it knows of the leases that there are.
            await Task.Delay(pause, _options.Clock).ConfigureAwait(false);
        }
    }

    /// <summary>Under the turn. False: there is no lease.</summary>
    private async Task<bool> AddWhileHeldAsync(TimeSpan quantum)
    {
        var begun = _options.Clock.GetTimestamp();
        var hasAdded = false;
        do
        {
            if (_nodes.ModeOf(Inode) != LeaseMode.Write)
            {
                return hasAdded;
            }

            await AddBatchAsync().ConfigureAwait(false);
            hasAdded = true;
        }
        while (await ComesAsync(quantum - _options.Clock.GetElapsedTime(begun)).ConfigureAwait(false));
        return true;
    }

    private async Task<bool> ComesAsync(TimeSpan within)
    {
        if (within <= TimeSpan.Zero)
        {
            return false;
        }

        var next = _records.Reader.WaitToReadAsync();
        if (next.IsCompleted)
        {
            return await next.ConfigureAwait(false);
        }

        var some = next.AsTask();
        return await Task.WhenAny(some, Task.Delay(within, _options.Clock)).ConfigureAwait(false) == some
            && await some.ConfigureAwait(false);
    }

    /// <summary>Whatever happens, everyone of whom something was taken is told.</summary>
    private async Task AddBatchAsync()
    {
        var batch = new List<PendingRecord>();
        var length = 0;
        while (_records.Reader.TryPeek(out var next)
            && (length == 0 || next.Bytes.Length <= BatchBytes - length)
            && _records.Reader.TryRead(out next))
        {
            if (next.TryTake())
            {
                batch.Add(next);
                length += next.Bytes.Length;
            }
        }

        try
        {
            var offset = await WriteAsync(batch, length).ConfigureAwait(false);
            foreach (var record in batch)
            {
                record.Complete(offset);
                offset += record.Bytes.Length;
            }
        }
        catch (Exception e)
        {
            await DropWriterAsync().ConfigureAwait(false);
            var told = e is not OperationCanceledException ? e : new DistFsException(
                ErrorCatalog.OutcomeUnknown, $"{Path}: the session ended while a record was being added.", e);
            batch.ForEach(record => record.Fail(told));
        }
    }

    private async Task<long> WriteAsync(List<PendingRecord> batch, int length)
    {
        var tenure = _tenure.Token;
        if (_open.IsLost)
        {
            await DropWriterAsync().ConfigureAwait(false);
            _open = await _nodes.OpenAsync(Inode, tenure).ConfigureAwait(false);
        }

        if (_writer == null)
        {
            _writer = await _nodes.WritableAsync(_open, tenure).ConfigureAwait(false);
            _end = _writer.LengthWhenOpened;
        }

        if (length == 0)
        {
            return _end;
        }

        // One request for all of them.
        var together = batch.Count > 1 ? ArrayPool<byte>.Shared.Rent(length) : [];
        try
        {
            var at = 0;
            foreach (var record in batch.Where(_ => together.Length > 0))
            {
                record.Bytes.CopyTo(together.AsMemory(at));
                at += record.Bytes.Length;
            }

            var bytes = batch.Count > 1 ? together.AsMemory(0, length) : batch[0].Bytes;
            await _writer.WriteAsync(_end, bytes, tenure).ConfigureAwait(false);
            await _writer.FlushAsync(isDurable: true, tenure).ConfigureAwait(false);
        }
        finally
        {
            if (together.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(together);
            }
        }

        var offset = _end;
        _end += length;
        return offset;
    }

    /// <summary>Under the turn: its chunks are left for others to write.</summary>
    private async Task CloseWriterAsync()
    {
        if (_writer is { } writer)
        {
            _writer = null;
            try
            {
                await writer.CloseAsync().ConfigureAwait(false);
            }
            catch (DistFsException)
            {
                // All that it wrote is durable, or its callers were told; only its chunks are not sealed.
            }
        }
    }

    /// <summary>Under the turn: what it has not sent is never sent.</summary>
    private async Task DropWriterAsync()
    {
        if (_writer is { } writer)
        {
            _writer = null;
            await writer.AbandonAsync().ConfigureAwait(false);
        }
    }
}
