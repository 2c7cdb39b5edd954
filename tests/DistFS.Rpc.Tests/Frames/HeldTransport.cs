using System.Net;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// A transport whose receives end when the test says so and not before, also when it was aborted: as a system may that
/// was given memory to write to.
/// </summary>
internal sealed class HeldTransport : FrameTransport
{
    private readonly Lock _gate = new();
    private readonly Queue<byte[]> _given = [];
    private readonly List<FrameKind> _sentKinds = [];
    private TaskCompletionSource<int>? _receive;
    private Memory<byte> _destination;

    public override string Name => "held";

    public override EndPoint? RemoteAddress => null;

    /// <summary>Whether all that was given was taken, and the next receive is under way.</summary>
    public bool IsReceiving
    {
        get
        {
            lock (_gate)
            {
                return _receive != null && _given.Count == 0;
            }
        }
    }

    /// <summary>Of each send that began with a frame, its first frame's kind.</summary>
    public FrameKind[] SentKinds
    {
        get
        {
            lock (_gate)
            {
                return [.. _sentKinds];
            }
        }
    }

    /// <summary>Gives some bytes, to the receive that is under way or to the next ones; none: the peer has closed.
    /// </summary>
    public void GiveBytes(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            _given.Enqueue(bytes.ToArray());
            EndUnderGate();
        }
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> destination)
    {
        lock (_gate)
        {
            Assert.Null(_receive);
            var receive = _receive = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _destination = destination;
            EndUnderGate();
            return new(receive.Task);
        }
    }

    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> source)
    {
        lock (_gate)
        {
            if (FrameHeader.TryRead(source.Span, new FrameLimits(4 << 20, 4 << 20), out var header) == null)
            {
                _sentKinds.Add(header.Kind);
            }
        }

        return new(source.Length);
    }

    public override void Abort()
    {
        // The receive that is under way is left to the test.
    }

    private void EndUnderGate()
    {
        if (_receive == null || !_given.TryDequeue(out var bytes))
        {
            return;
        }

        var count = Math.Min(bytes.Length, _destination.Length);
        bytes.AsSpan(0, count).CopyTo(_destination.Span);
        if (count < bytes.Length)
        {
            var rest = _given.ToArray();
            _given.Clear();
            _given.Enqueue(bytes[count..]);
            foreach (var next in rest)
            {
                _given.Enqueue(next);
            }
        }

        var receive = _receive;
        _receive = null;
        receive.SetResult(count);
    }
}
