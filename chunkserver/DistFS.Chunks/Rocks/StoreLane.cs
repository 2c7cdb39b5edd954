using System.Diagnostics;
using DistFS.Native.RocksDb;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>
/// The one thread that changes chunks. It takes all requests that wait, carries them out into one batch, writes that
/// with one sync, shows it to readers, and then answers.
/// </summary>
internal sealed class StoreLane
{
    private const long GroupBytesMax = 8 << 20;

    private readonly LaneQueue<LaneRequest> _queue = new();
    private readonly LaneGroup _group;
    private readonly StoreMetrics _metrics;
    private readonly Action<DistFsException> _fail;
    private readonly Func<DistFsException?> _failure;
    private readonly Action _full;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Creates the lane; it runs from <see cref="Start"/> on.</summary>
    /// <param name="group">Where changes go; disposed by the lane at its end.</param>
    /// <param name="metrics">What is measured.</param>
    /// <param name="failure">Why the store ended; null as long as it has not.</param>
    /// <param name="fail">Ends the store.</param>
    /// <param name="full">Told, once a group was undone since the disk is full.</param>
    public StoreLane(
        LaneGroup group,
        StoreMetrics metrics,
        Func<DistFsException?> failure,
        Action<DistFsException> fail,
        Action full)
    {
        (_group, _metrics, _failure, _fail, _full) = (group, metrics, failure, fail, full);
        _thread = new Thread(Run) { IsBackground = true, Name = "chunks.lane" };
    }

    /// <summary>Requests that wait.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Set by tests: what waits is dropped, as by the death of the process.</summary>
    public bool IsKilled { get; set; }

    public void Start() => _thread.Start();

    /// <summary>Hands over a request; its task says how it ended.</summary>
    public Task Submit(LaneRequest request)
    {
        if (!_queue.Add(request))
        {
            request.Fail(new DistFsException(ErrorCatalog.ChunkStoreFailed, "The store is closed."));
        }

        return request.Done;
    }

    /// <summary>Takes no more requests; done when those that wait are carried out and the thread has ended.</summary>
    public Task CloseAsync()
    {
        _queue.Complete();
        return _ended.Task;
    }

    private void Run()
    {
        try
        {
            while (_queue.TakeAll(Timeout.InfiniteTimeSpan) is { } requests)
            {
                RunGuarded(requests);
            }
        }
        finally
        {
            _group.Dispose();
            _ended.TrySetResult();
        }
    }

    private void RunGuarded(List<LaneRequest> requests)
    {
        try
        {
            if (!IsKilled)
            {
                RunAll(requests);
            }
        }
        catch (Exception defect)
        {
            End(defect);
            Undo(_failure()!);
            requests.ForEach(request => request.Fail(_failure()!)); // Those that are done stay so.
        }
    }

    private void RunAll(List<LaneRequest> requests)
    {
        foreach (var request in requests)
        {
            if (_failure() is { } failure)
            {
                request.Fail(failure);
                continue;
            }

            Execute(request);
            if (_group.Batch.SizeBytes > GroupBytesMax)
            {
                Commit();
            }
        }

        Commit();
    }

    private void Execute(LaneRequest request)
    {
        try
        {
            request.Execute(_group);
            _group.Requests.Add(request);
        }
        catch (RocksDbException engine)
        {
            // Changes may be half done: nothing of this group is shown to anybody.
            End(engine);
            request.Fail(_failure()!);
        }
        catch (DistFsException refusal)
        {
            request.Fail(refusal);
        }
        catch (Exception defect)
        {
            End(defect);
            request.Fail(_failure()!);
        }
    }

    private void Commit()
    {
        if (_failure() is { } failure)
        {
            Undo(failure);
            return;
        }

        foreach (var entry in _group.Entries)
        {
            entry.BeginCommit();
        }

        var start = Stopwatch.GetTimestamp();
        try
        {
            Failpoints.Pass("chunks.before-commit");
            _group.Write();
            Failpoints.Pass("chunks.after-commit");
        }
        catch (StoreFullException full)
        {
            var refusal = new DistFsException(
                ErrorCatalog.ChunkStoreFull, $"The disk of the store is full: {full.EngineText}", full);
            _full();
            Undo(refusal);
            return;
        }
        catch (Exception disk)
        {
            End(disk);
            Undo(_failure()!);
            return;
        }

        _metrics.Committed(start, _group.Requests.Count, _group.NeedsSync);
        foreach (var entry in _group.Entries)
        {
            entry.Publish();
        }

        foreach (var request in _group.Requests)
        {
            if (request.PartsLeft == 0)
            {
                request.Complete();
            }
        }

        Action[] after = [.. _group.AfterCommit];
        _group.Clear();
        foreach (var action in after)
        {
            action();
        }
    }

    private void Undo(DistFsException failure)
    {
        foreach (var entry in _group.Entries)
        {
            entry.Next = entry.Current;
            if (entry.Stamp % 2 != 0)
            {
                entry.Publish();
            }
        }

        foreach (var request in _group.Requests)
        {
            request.Fail(failure);
        }

        _group.Clear();
    }

    private void End(Exception cause) => _fail(cause as DistFsException
        ?? new DistFsException(ErrorCatalog.ChunkStoreFailed, $"The store ended: {cause.Message}", cause));
}
