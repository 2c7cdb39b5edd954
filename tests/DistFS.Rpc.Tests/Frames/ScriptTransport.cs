using System.Net;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// Plays prepared bytes, then closes. Everything completes at once, so that a connection lives on one thread, and what
/// it allocates for one piece is what that thread allocates between two receives.
/// </summary>
internal sealed class ScriptTransport(Func<int, ReadOnlyMemory<byte>> piece) : FrameTransport
{
    private ReadOnlyMemory<byte> _rest;
    private int _pieces;
    private int _thread;
    private long _allocatedBefore;
    private int _aborted;

    public override string Name => "script";

    public override EndPoint? RemoteAddress => null;

    /// <summary>
    /// Bytes that were allocated on the receive loop's thread while it worked on all pieces but the first.
    /// </summary>
    public long Allocated { get; private set; }

    public override ValueTask<int> ReceiveAsync(Memory<byte> destination)
    {
        Measure();
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _aborted) != 0, this);
        if (_rest.IsEmpty)
        {
            _rest = piece(_pieces++);
            _thread = _pieces > 1 ? Environment.CurrentManagedThreadId : 0;
        }

        var count = Math.Min(_rest.Length, destination.Length);
        _rest[..count].CopyTo(destination);
        _rest = _rest[count..];
        _allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        return new(count);
    }

    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> source)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _aborted) != 0, this);
        return new(source.Length);
    }

    public override void Abort()
    {
        Measure();
        Volatile.Write(ref _aborted, 1);
    }

    private void Measure()
    {
        if (_thread == Environment.CurrentManagedThreadId)
        {
            Allocated += GC.GetAllocatedBytesForCurrentThread() - _allocatedBefore;
            _thread = 0;
        }
    }
}
