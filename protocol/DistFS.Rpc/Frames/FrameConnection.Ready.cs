using System.Diagnostics;

namespace DistFS.Rpc.Frames;

/// <content>
/// Running what received frames have made ready. Handlers that may block go to the thread pool, one by one, the last on
/// this thread. Callers that go on usually take microseconds, so one thread takes them all in turn, and what they send
/// leaves together; when they take longer, more threads join.
/// </content>
internal sealed partial class FrameConnection
{
    // Longer than this, 200 us, and a second thread takes part; 64 callers that only call again take about 45.
    private static readonly long ShareAfter = Stopwatch.Frequency / 5_000;

    // The connection whose callers this thread is running: their frames are sent when the thread is through with them.
    [ThreadStatic]
    private static FrameConnection? _running;

    private readonly Lock _completedGate = new();
    private readonly HelperWork _helper;
    private WorkList _handlersReady;
    private WorkList _completedReady;

    // Under _completedGate: callers that go on, and how many have ever been taken.
    private WorkList _completed;
    private long _completedTaken;
    private long _completedTakenAtTick;

    // 1 while a flush is owed that a thread running callers will start; whoever sets it to 0 starts it.
    private int _flushOwed;
    private bool _flushOwedAtTick;

    private void AddReady(FrameServerCall call) => _handlersReady.Add(call.AsWork);

    private void AddReady(ClientCall call) => _completedReady.Add(call);

    /// <summary>What is ready, taken before the next receive is armed.</summary>
    private (FrameWork? Handlers, WorkList Completed) TakeReady() =>
        (_handlersReady.Take(), _completedReady.TakeList());

    /// <param name="ready">From <see cref="TakeReady"/>.</param>
    /// <param name="here">Whether this thread may run foreign code: not while it is the receive loop.</param>
    private void RunReady((FrameWork? Handlers, WorkList Completed) ready, bool here)
    {
        var work = ready.Handlers;
        while (work != null)
        {
            var next = work.Unlink();
            if (next == null && here && ready.Completed.IsEmpty)
            {
                work.Execute();
            }
            else
            {
                work.Queue();
            }

            work = next;
        }

        if (ready.Completed.IsEmpty)
        {
            return;
        }

        lock (_completedGate)
        {
            _completed.Append(ready.Completed);
        }

        if (here)
        {
            RunCompleted();
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(_helper, preferLocal: false);
        }
    }

    private void RunCompleted()
    {
        var outer = _running;
        _running = this;
        var started = Stopwatch.GetTimestamp();
        var shared = false;
        while (TakeCompleted(out var more) is { } work)
        {
            work.Execute();
            if (more && Stopwatch.GetTimestamp() - started > ShareAfter)
            {
                FlushOwed();
                started = Stopwatch.GetTimestamp();
                if (!shared)
                {
                    shared = true;
                    ThreadPool.UnsafeQueueUserWorkItem(_helper, preferLocal: false);
                }
            }
        }

        _running = outer;
        FlushOwed();
    }

    private FrameWork? TakeCompleted(out bool more)
    {
        lock (_completedGate)
        {
            var work = _completed.TakeFirst();
            _completedTaken++;
            more = !_completed.IsEmpty;
            return work;
        }
    }

    /// <summary>Starts the flush that was put off, if one was.</summary>
    private void FlushOwed()
    {
        if (Volatile.Read(ref _flushOwed) != 0 && Interlocked.Exchange(ref _flushOwed, 0) != 0)
        {
            Flush();
        }
    }

    /// <summary>
    /// A caller that blocks its thread would hold back the callers behind it and the frames in front of it: after a
    /// tick without progress another thread goes on with both.
    /// </summary>
    private void RescueReady()
    {
        bool stuck;
        lock (_completedGate)
        {
            stuck = !_completed.IsEmpty && _completedTaken == _completedTakenAtTick;
            _completedTakenAtTick = _completedTaken;
        }

        var owed = Volatile.Read(ref _flushOwed) != 0;
        if (stuck || (owed && _flushOwedAtTick))
        {
            ThreadPool.UnsafeQueueUserWorkItem(_helper, preferLocal: false);
        }

        _flushOwedAtTick = owed;
    }

    private sealed class HelperWork(FrameConnection connection) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            connection.FlushOwed();
            connection.RunCompleted();
        }
    }
}
