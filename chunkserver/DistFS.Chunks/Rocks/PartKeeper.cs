using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>The parts that are written to. The lane's, but for what says otherwise.</summary>
/// <param name="staging">Where their files are written.</param>
/// <param name="openMax">How many there are at most.</param>
/// <param name="next">The number of the next one.</param>
internal sealed class PartKeeper(string staging, int openMax, ulong next)
{
    private readonly List<ChunkEntry> _entries = [];
    private ulong _next = next;
    private long _uses;
    private int _count;

    /// <summary>Where files are written.</summary>
    public string Staging { get; } = staging;

    /// <summary>Chunks that have a part that is written to; for any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Chunks that have a part that is written to.</summary>
    public IReadOnlyList<ChunkEntry> Entries => _entries;

    /// <summary>A number that no part has had. For any thread.</summary>
    public ulong NextNumber() => Interlocked.Increment(ref _next) - 1;

    /// <summary>Begins a part of a chunk.</summary>
    public OpenPart Begin(ChunkEntry entry, uint first)
    {
        var part = new OpenPart(entry.Chunk, NextNumber(), first);
        Use(part);
        if (!_entries.Contains(entry))
        {
            _entries.Add(entry);
            Volatile.Write(ref _count, _entries.Count);
        }

        return part;
    }

    public void Use(OpenPart part) => part.LastUse = ++_uses;

    /// <summary>The chunk whose part should be ended, since there are too many; null when there are not.</summary>
    public ChunkEntry? Oldest()
    {
        _entries.RemoveAll(entry => entry.Next?.Tail is null);
        Volatile.Write(ref _count, _entries.Count);
        return _entries.Count < openMax ? null : _entries.MinBy(entry => entry.Next!.Tail!.LastUse);
    }
}

/// <summary>A thread that does work in order, beside the lane.</summary>
internal sealed class WorkThread
{
    private readonly LaneQueue<Action> _queue = new();
    private readonly Action<Exception> _fail;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public WorkThread(string name, Action<Exception> fail)
    {
        _fail = fail;
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Set by tests: what waits is dropped, as by the death of the process.</summary>
    public bool IsKilled { get; set; }

    /// <summary>Hands over work; false, and nothing happens, once it is closed.</summary>
    public bool Add(Action work) => _queue.Add(work);

    /// <summary>Takes no more; done when what waits is done and the thread has ended.</summary>
    public Task CloseAsync()
    {
        _queue.Complete();
        return _ended.Task;
    }

    private void Run()
    {
        try
        {
            while (_queue.TakeAll(Timeout.InfiniteTimeSpan) is { } all)
            {
                foreach (var work in all)
                {
                    Run(work);
                }
            }
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    private void Run(Action work)
    {
        try
        {
            if (!IsKilled)
            {
                work();
            }
        }
        catch (Exception cause)
        {
            _fail(cause); // Ends the store; what waits here still hears of it.
        }
    }
}
