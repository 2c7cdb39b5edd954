using DistFS.Primitives;

namespace DistFS.Chunkserver.Data;

/// <summary>
/// A chunk in a version that was begun in this run: its rules (<see cref="ChunkReplica"/>), and the calls that wait for
/// them to allow something.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "A source without timer and wait handle has nothing to dispose of.")]
internal sealed class OpenChunk(ChunkId chunk, ChunkReplica replica, ShellScheduler scheduler)
{
    /// <summary>Calls that came early, by their number; each looks again when its turn may have come.</summary>
    private readonly SortedDictionary<ulong, TaskCompletionSource> _turns = [];

    /// <summary>Repeated calls, by the number that they want to see committed.</summary>
    private readonly SortedDictionary<ulong, TaskCompletionSource> _commits = [];

    private readonly CancellationTokenSource _broken = new();
    private Task<ChainFailure?>? _settling;
    private int _isResting;

    /// <summary>Which.</summary>
    public ChunkId Chunk { get; } = chunk;

    /// <summary>Held while the rules are asked, and while what was taken is given to the store and to who is behind, so
    /// that both get it in its order. Never over a wait.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The rules; under the gate, but for the version.</summary>
    public ChunkReplica Replica { get; } = replica;

    /// <summary>Cancelled when the chain is broken: nobody need wait for what is under way to those behind.</summary>
    public CancellationToken Broken => _broken.Token;

    /// <summary>In milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long UsedMs { get; private set; } = Environment.TickCount64;

    /// <summary>Somebody needs it.</summary>
    public void Touch() => UsedMs = Environment.TickCount64;

    /// <summary>
    /// The leader wants it to come to rest: once at a time, however often it says so. False: that is under way.
    /// </summary>
    public bool TryBeginRest() => Interlocked.Exchange(ref _isResting, 1) == 0;

    /// <summary>It has, or could not: then the leader says it again.</summary>
    public void EndRest() => Volatile.Write(ref _isResting, 0);

    /// <summary>Ends when this write may be the next, or nothing is taken any more. Under the gate.</summary>
    public Task TurnOf(ulong sequence) => Waiter(_turns, sequence);

    /// <summary>Ends when this write is committed, or will not be. Under the gate.</summary>
    public Task CommitOf(ulong sequence) => Waiter(_commits, sequence);

    /// <summary>A write was taken: the next one may come. Under the gate.</summary>
    public void LetNext() => Release(_turns, Replica.Taken + 1);

    /// <summary>A write is in the store.</summary>
    public void HasStored(ulong sequence)
    {
        lock (Gate)
        {
            Replica.HasStored(sequence);
            Release(_commits, Replica.Committed);
        }
    }

    /// <summary>Who is behind has it.</summary>
    public void HasBehind(ulong sequence)
    {
        lock (Gate)
        {
            Replica.HasBehind(sequence);
            Release(_commits, Replica.Committed);
        }
    }

    /// <summary>Nothing more is taken: who waits looks again, and hears it.</summary>
    public void Break(ChainFailure failure)
    {
        lock (Gate)
        {
            Replica.Break(failure);
            Release(_turns, ulong.MaxValue);
            Release(_commits, ulong.MaxValue);
        }

        // Elsewhere: the caller may hold the gate.
        scheduler.Cancel(_broken);
    }

    /// <summary>
    /// Fetches what is carried, once for all who want it. Under the gate.
    /// </summary>
    /// <param name="settle">Fetches the blocks; has to say <see cref="HasSettled"/> of each.</param>
    /// <returns>Null when all of them are settled; else why not.</returns>
    public Task<ChainFailure?> SettleOnce(Func<OpenChunk, IReadOnlyList<BlockIndex>, Task<ChainFailure?>> settle)
    {
        if (_settling is not { IsCompleted: false })
        {
            var carried = Replica.Carried.OrderBy(static block => block.Value).ToList();
            _settling = scheduler.Run(() => settle(this, carried));
        }

        return scheduler.Shared(_settling);
    }

    /// <summary>A carried block is as the tail has it.</summary>
    public void HasSettled(BlockIndex block)
    {
        lock (Gate)
        {
            Replica.Settle(block);
            if (Replica.Carried.Count == 0)
            {
                LetNext();
            }
        }
    }

    private Task Waiter(SortedDictionary<ulong, TaskCompletionSource> waiters, ulong sequence)
    {
        if (!waiters.TryGetValue(sequence, out var waiter))
        {
            waiter = scheduler.NewSource();
            waiters.Add(sequence, waiter);
        }

        return scheduler.Shared(waiter.Task);
    }

    /// <summary>All up to a number.</summary>
    private void Release(SortedDictionary<ulong, TaskCompletionSource> waiters, ulong through)
    {
        while (waiters.Count > 0 && waiters.First() is var (sequence, waiter) && sequence <= through)
        {
            waiters.Remove(sequence);
            scheduler.Complete(waiter);
        }
    }
}
