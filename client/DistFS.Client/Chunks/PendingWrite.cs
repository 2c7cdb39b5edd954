using System.Buffers;

namespace DistFS.Client.Chunks;

/// <summary>Pieces that were not replied to yet, in memory of their own: they may have to be sent again.</summary>
internal sealed class PendingWrite(byte[] buffer, int length, uint end, bool isDurable)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The pieces.</summary>
    public ReadOnlyMemory<byte> Pieces { get; } = buffer.AsMemory(0, length);

    /// <summary>The chunk is written up to here, in bytes, once this is.</summary>
    public uint End { get; } = end;

    /// <summary>Replied to when it is on disks.</summary>
    public bool IsDurable { get; } = isDurable;

    /// <summary>Its number in the present version.</summary>
    public ulong Sequence { get; set; }

    /// <summary>Ends when it is acknowledged, or cannot be.</summary>
    public Task Done => _done.Task;

    /// <summary>Acknowledged.</summary>
    public void Complete()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        _done.TrySetResult();
    }

    /// <summary>Will not be. Its memory is left to the collector: a call may use it yet.</summary>
    public void Fail(Exception error)
    {
        _done.TrySetException(error);

        // Who does not wait for it hears of it from the writer.
        _ = _done.Task.Exception;
    }
}
