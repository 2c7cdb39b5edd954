using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Frames;
using Microsoft.Extensions.Logging;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Chunkserver.Copies;

/// <summary>Makes the copies that the leader orders: a few at a time, no faster than it says.</summary>
internal sealed partial class CopyRunner : IAsyncDisposable
{
    /// <summary>Copies at a time; the others wait.</summary>
    public const int RunningMax = 4;

    private readonly IChunkStores _stores;
    private readonly OpenChunks _open;
    private readonly ILogger _logger;
    private readonly Action<CopyResult> _onEnded;
    private readonly SemaphoreSlim _places = new(RunningMax);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<ulong, CancellationTokenSource> _cancels = [];

    // Connections of their own: what clients read and write does not wait behind a copy.
    private readonly FrameChannels _sources = new(new FrameChannelOptions
    {
        Frames = new FrameOptions { Agent = "dfs chunkserver: copy" },
    });

    private readonly Lock _gate = new();
    private Task _sweep = Task.CompletedTask;
    private int _isSwept;

    // By chunk: the last copy of each. Under the gate.
    private readonly Dictionary<ulong, Task> _running = [];
    private readonly Meter _meter = new(DataMetrics.MeterName);
    private readonly Counter<long> _copiedBytes;
    private readonly Counter<long> _keptBlocks;
    private readonly Counter<long> _copies;
    private readonly Counter<long> _failures;

    /// <param name="stores">Where copies come.</param>
    /// <param name="open">Who writes here.</param>
    /// <param name="clock">Whose time.</param>
    /// <param name="logger">Where it tells what failed.</param>
    /// <param name="onEnded">Called once for each copy, when nothing of it goes on.</param>
    public CopyRunner(
        IChunkStores stores, OpenChunks open, TimeProvider clock, ILogger logger, Action<CopyResult> onEnded)
    {
        (_stores, _open, _logger, _onEnded) = (stores, open, logger, onEnded);
        Rate = new CopyRate(clock);
        _copiedBytes = _meter.CreateCounter<long>(
            "distfs.chunkserver.copies.fetched", "By", "Stored bytes that copies took from other servers.");
        _keptBlocks = _meter.CreateCounter<long>(
            "distfs.chunkserver.copies.kept", "{block}", "Blocks of copies that were here already.");
        _copies = _meter.CreateCounter<long>("distfs.chunkserver.copies", "{copy}", "Copies that were made.");
        _failures = _meter.CreateCounter<long>(
            "distfs.chunkserver.copies.failed", "{copy}", "Copies that failed or were given up.");
    }

    /// <summary>How fast they are together.</summary>
    public CopyRate Rate { get; }

    /// <summary>Those that have not ended.</summary>
    public int Running => _cancels.Count;

    /// <summary>Begins a copy, or has it wait.</summary>
    public void Begin(CopyOrder order)
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        var cancel = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        if (!_cancels.TryAdd(order.Copy, cancel))
        {
            cancel.Dispose();
            return;
        }

        lock (_gate)
        {
            // One after the other of one chunk: what is left of the first is gone before the second begins.
            var before = _running.GetValueOrDefault(order.Chunk) ?? Task.CompletedTask;
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _running[order.Chunk] = done.Task;
            _ = Task.Run(() => RunAsync(order, before, cancel, done));
        }
    }

    /// <summary>Gives a copy up; it ends soon.</summary>
    public void Cancel(CopyId copy)
    {
        if (_cancels.TryGetValue(copy.Value, out var cancel))
        {
            try
            {
                cancel.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has just ended.
            }
        }
    }

    /// <summary>
    /// What is left of copies from before the server started goes, unless they are still wanted. The first call counts.
    /// </summary>
    /// <param name="stores">Where they may be.</param>
    /// <param name="listed">Those that are wanted.</param>
    public void SweepOnce(StoreSet stores, IReadOnlySet<ulong> listed)
    {
        if (Interlocked.Exchange(ref _isSwept, 1) == 0)
        {
            _sweep = Task.Run(() => SweepAsync(stores, listed));
        }
    }

    /// <summary>Gives all of them up, and waits for their ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Task[] running;
        lock (_gate)
        {
            running = [.. _running.Values];
        }

        await Task.WhenAll(running).ConfigureAwait(false);
        await _sweep.ConfigureAwait(false);
        await _sources.DisposeAsync().ConfigureAwait(false);

        _places.Dispose();
        _stop.Dispose();
        _meter.Dispose();
    }

    private async Task SweepAsync(StoreSet stores, IReadOnlySet<ulong> listed)
    {
        var batch = new ChunkInfo[1_024];
        foreach (var store in stores.Stores)
        {
            try
            {
                var count = batch.Length;
                for (ulong from = 0; count == batch.Length && !_stop.IsCancellationRequested;)
                {
                    count = store.List(new ChunkId(from), batch);
                    from = count == 0 ? from : batch[count - 1].Chunk.Value + 1;

                    // A later order about the chunk has a higher number: what it makes is not meant here.
                    var left = batch[..count]
                        .Where(info => info.State == ChunkState.Copying && !listed.Contains(info.Copy.Value))
                        .Select(static info => new ChunkDeletion(info.Chunk, info.Version, info.Copy)).ToArray();
                    if (left.Length > 0)
                    {
                        await store.DeleteAsync(left, _stop.Token).ConfigureAwait(false);
                    }
                }
            }
            catch (Exception e) when (e is DistFsException
                || (e is OperationCanceledException && _stop.IsCancellationRequested))
            {
                // The store failed, or the server stops: the next start sweeps again.
                LogNotSwept(_logger, e.Message);
            }
        }
    }

    private async Task RunAsync(
        CopyOrder order, Task before, CancellationTokenSource cancel, TaskCompletionSource done)
    {
        await before.ConfigureAwait(false);
        var status = await CopyAsync(order, cancel.Token).ConfigureAwait(false);
        _cancels.TryRemove(order.Copy, out _);
        cancel.Dispose();
        lock (_gate)
        {
            if (_running[order.Chunk] == done.Task)
            {
                _running.Remove(order.Chunk);
            }
        }

        _onEnded(new CopyResult
        {
            Copy = order.Copy,
            Chunk = order.Chunk,
            Version = order.Version,
            Status = (int)status,
        });
        done.SetResult();
    }

    private async Task<FsStatus> CopyAsync(CopyOrder order, CancellationToken cancellation)
    {
        try
        {
            await _places.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return FsStatus.Cancelled;
        }

        try
        {
            var copy = new ChunkCopy(
                order, new CopySource(_sources.To(order.SourceAddress), order), _stores, _open, Rate);
            await copy.RunAsync(cancellation).ConfigureAwait(false);
            _copies.Add(1);
            _copiedBytes.Add(copy.FetchedBytes);
            _keptBlocks.Add(copy.KeptBlocks);
            return FsStatus.Ok;
        }
        catch (DistFsException e) when (!cancellation.IsCancellationRequested)
        {
            _failures.Add(1);
            LogFailed(_logger, new CopyId(order.Copy), new ChunkId(order.Chunk), new ServerId(order.Source), e.Message);
            return e.Status == FsStatus.Ok ? FsStatus.IoError : e.Status;
        }
        catch (Exception e) when (e is OperationCanceledException or DistFsException)
        {
            _failures.Add(1);
            return FsStatus.Cancelled;
        }
        finally
        {
            _places.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What is left of earlier copies was not deleted: {Reason}")]
    private static partial void LogNotSwept(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Copy} of chunk {Chunk} from server {Source} failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, CopyId copy, ChunkId chunk, ServerId source, string reason);
}
