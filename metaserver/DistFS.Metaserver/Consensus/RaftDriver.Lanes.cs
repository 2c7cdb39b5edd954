using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <content>The threads of the disk and of applying.</content>
public sealed partial class RaftDriver
{
    private readonly LaneQueue<DiskItem> _disk = new();
    private readonly LaneQueue<ApplyItem> _apply = new();
    private readonly ProposalTable _proposed = new();
    private readonly Lock _readGate = new();
    private readonly List<(LogIndex Index, ReadBatch Batch)> _readsWaiting = [];

    /// <summary>Applied up to here. Written by the apply lane, with <see cref="_readGate"/> held.</summary>
    private ulong _applied;

    private EndedCalls _ended = EndedCalls.Rent();
    private long _diskBusySince;
    private long _lastHandOver;

    /// <summary>Handed to the apply lane up to here.</summary>
    private ulong _committed;

    void IReadyHost.QueuePersisted(ulong sequence) =>
        _core.Add(new CoreInput(CoreInputKind.Persisted, null, default, sequence));

    void IReadyHost.QueueApplied(LogIndex index)
    {
        AppliedTo(index);
        _core.Add(new CoreInput(CoreInputKind.Applied, null, default, index.Value));
        AskForSnapshot();
    }

    void IReadyHost.OnApplied(RaftEntry entry, ReadOnlyMemory<byte> reply)
    {
        _entriesSinceSnapshot++;
        _bytesSinceSnapshot += entry.SizeBytes;
        _metrics.Committed(_proposed.Applied(entry.Id, reply, _ended));
    }

    void IReadyHost.OnRestored(SnapshotMeta meta)
    {
        _proposed.Restored(meta.Last.Index, _ended);
        (_entriesSinceSnapshot, _bytesSinceSnapshot) = (0, 0);
        AppliedTo(meta.Last.Index);
    }

    private void RunDisk()
    {
        var batch = new List<RaftReady>();
        var isSettled = false;
        while (_disk.TakeAll(_options.SettleAfter) is { } items)
        {
            if (items.Count == 0)
            {
                if (!isSettled)
                {
                    Volatile.Write(ref _diskBusySince, Stopwatch.GetTimestamp());
                    _executor.Settle();
                    Volatile.Write(ref _diskBusySince, 0);
                    isSettled = true;
                }

                continue;
            }

            Volatile.Write(ref _diskBusySince, Stopwatch.GetTimestamp());
            for (var i = 0; i < items.Count && !_isStopping; i++)
            {
                if (items[i].Ready is { } ready)
                {
                    batch.Add(ready);
                }
                else
                {
                    Persist(batch);
                    items[i].Work!();
                }
            }

            if (_isStopping)
            {
                // What is left was told to nobody.
                return;
            }

            Persist(batch);
            Volatile.Write(ref _diskBusySince, 0);
            isSettled = false;
        }
    }

    private void Persist(List<RaftReady> batch)
    {
        if (batch.Count == 0)
        {
            return;
        }

        try
        {
            var start = Stopwatch.GetTimestamp();
            _executor.Write(batch);
            _metrics.Persisted(start, batch);
            if (_isStopping)
            {
                // The core's thread has ended, or another lane failed: nothing more is told to anybody.
                return;
            }

            _executor.Release(batch);
            _transport.Flush();
        }
        finally
        {
            // However it ended: none of it may be written a second time.
            batch.Clear();
        }
    }

    private void RunApply()
    {
        while (_apply.TakeAll(Timeout.InfiniteTimeSpan) is { } items)
        {
            for (var i = 0; i < items.Count && !_isStopping; i++)
            {
                if (items[i].Action is { } action)
                {
                    action();
                }
                else
                {
                    _executor.Apply(items[i].Work);
                }

                EndCalls();
            }
        }
    }

    /// <summary>Whoever waits for what was applied goes on, one after the other on one thread of the pool.</summary>
    private void EndCalls()
    {
        if (_ended.Count > 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ended, preferLocal: false);
            _ended = EndedCalls.Rent();
        }
    }

    private void AppliedTo(LogIndex index)
    {
        lock (_readGate)
        {
            if (index.Value <= _applied)
            {
                return;
            }

            Volatile.Write(ref _applied, index.Value);
            for (var i = 0; i < _readsWaiting.Count;)
            {
                if (_readsWaiting[i].Index <= index)
                {
                    foreach (var (call, lease) in _readsWaiting[i].Batch.Calls)
                    {
                        _ended.Add(call, lease, new ReadOutcome(CallStatus.Done, index));
                    }

                    _readsWaiting.RemoveAt(i);
                }
                else
                {
                    i++;
                }
            }
        }
    }

    private void GrantOrWait(ReadBatch batch, LogIndex index)
    {
        lock (_readGate)
        {
            if (index.Value > _applied)
            {
                _readsWaiting.Add((index, batch));
                return;
            }
        }

        EndReads(batch, new ReadOutcome(CallStatus.Done, Applied));
    }

    private static void EndReads(ReadBatch batch, ReadOutcome outcome)
    {
        var ended = EndedCalls.Rent();
        foreach (var (call, lease) in batch.Calls)
        {
            ended.Add(call, lease, outcome);
        }

        ThreadPool.UnsafeQueueUserWorkItem(ended, preferLocal: false);
    }

    /// <summary>It leads no more: what was not applied by now may yet be, or be replaced.</summary>
    private void EndProposals()
    {
        var outcome = new ProposalOutcome(CallStatus.Unknown, Reason: "This member lost its leadership.");
        while (_proposed.TryTake(new LogIndex(ulong.MaxValue), out var proposed))
        {
            proposed.Call.TryEnd(proposed.Lease, outcome);
        }
    }

    /// <summary>Proposals and reads that wait for the state machine, awaited or not.</summary>
    internal int CallsHeld
    {
        get
        {
            lock (_readGate)
            {
                return _proposed.Count + _readsWaiting.Count;
            }
        }
    }

    /// <summary>What waits for a lane.</summary>
    internal int QueueLength(string lane) => lane switch
    {
        "core" => _core.Count,
        "disk" => _disk.Count,
        "piece" => _pieces.Count,
        _ => _apply.Count,
    };

    private readonly record struct DiskItem(RaftReady? Ready, Action? Work);

    private readonly record struct ApplyItem(ApplyWork Work, Action? Action);
}
