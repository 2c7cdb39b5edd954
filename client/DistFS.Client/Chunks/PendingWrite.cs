using System.Buffers;
using DistFS.Primitives;

namespace DistFS.Client.Chunks;

/// <summary>Pieces that were not replied to yet, in memory of their own: they may have to be sent again.</summary>
internal sealed class PendingWrite(
    byte[] buffer, int length, uint end, bool isDurable, ShellScheduler scheduler)
{
    private readonly TaskCompletionSource _done = scheduler.NewSource();

    /// <summary>The pieces.</summary>
    public ReadOnlyMemory<byte> Pieces { get; } = buffer.AsMemory(0, length);

    /// <summary>The chunk is written up to here, in bytes, once this is.</summary>
    public uint End { get; } = end;

    /// <summary>Replied to when it is on disks.</summary>
    public bool IsDurable { get; } = isDurable;

    /// <summary>
    /// Replied to in the present version: acknowledged as soon as all before it are. If the version ends before, it is
    /// repeated with them, or an older one would come to lie over it.
    /// </summary>
    public bool IsReplied { get; set; }

    /// <summary>Its number in the present version.</summary>
    public ulong Sequence { get; set; }

    /// <summary>Ends when it is acknowledged, or cannot be.</summary>
    public Task Done => scheduler.Shared(_done.Task);

    /// <summary>Acknowledged.</summary>
    public void Complete()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        scheduler.Complete(_done);
    }

    /// <summary>Will not be. Its memory is left to the collector: a call may use it yet.</summary>
    public void Fail(Exception error)
    {
        // Who does not wait for it hears of it from the writer.
        scheduler.Complete(_done, error);
    }
}
