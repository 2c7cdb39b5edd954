namespace DistFS.Client.Appends;

/// <summary>A record that somebody waits for.</summary>
internal sealed class PendingRecord(ReadOnlyMemory<byte> bytes)
{
    private readonly TaskCompletionSource<long> _added = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // 0: waits; 1: is being written; 2: nobody wants it any more.
    private int _state;

    /// <summary>What is added.</summary>
    public ReadOnlyMemory<byte> Bytes { get; } = bytes;

    /// <summary>Ends with where it stands.</summary>
    public Task<long> Added => _added.Task;

    /// <summary>It is going to be written; false: it was given up.</summary>
    public bool TryTake() => Interlocked.CompareExchange(ref _state, 1, 0) == 0;

    /// <summary>Given up, unless its bytes are being written: then they are the writer's until it ends.</summary>
    public void GiveUp(CancellationToken cancellation)
    {
        if (Interlocked.CompareExchange(ref _state, 2, 0) == 0)
        {
            _added.TrySetCanceled(cancellation);
        }
    }

    /// <summary>It is durable.</summary>
    public void Complete(long offset) => _added.TrySetResult(offset);

    /// <summary>It may be there or not.</summary>
    public void Fail(Exception error) => _added.TrySetException(error);
}
