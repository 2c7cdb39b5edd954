using System.Net;
using System.Threading.Channels;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// A transport whose other end is the test: it hands out pieces of bytes as they were given, and keeps what is sent.
/// </summary>
internal sealed class MemoryTransport : FrameTransport
{
    private readonly Channel<byte[]> _incoming = Channel.CreateUnbounded<byte[]>(
        new UnboundedChannelOptions { AllowSynchronousContinuations = false });

    private readonly TaskCompletionSource _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<byte[]> _sent = [];
    private ReadOnlyMemory<byte> _rest;
    private TaskCompletionSource? _clogged;
    private bool _waiting;
    private long _sentBytes;

    public override string Name => "memory";

    public override EndPoint? RemoteAddress => null;

    /// <summary>All bytes that were sent.</summary>
    public byte[] Sent
    {
        get
        {
            lock (_sent)
            {
                return [.. _sent.SelectMany(piece => piece)];
            }
        }
    }

    /// <summary>Whether the connection has taken everything that was given, and come back for more.</summary>
    public bool AllTaken => Volatile.Read(ref _waiting) && _incoming.Reader.Count == 0;

    public long SentBytes => Interlocked.Read(ref _sentBytes);

    public void Give(params byte[][] pieces)
    {
        foreach (var piece in pieces)
        {
            Assert.True(_incoming.Writer.TryWrite(piece));
        }
    }

    /// <summary>The peer closes, after what was given.</summary>
    public void Finish() => _incoming.Writer.TryComplete();

    /// <summary>From here on the peer takes nothing, until <see cref="Unclog"/>.</summary>
    public void Clog() => Volatile.Write(ref _clogged, new TaskCompletionSource());

    public void Unclog() => Interlocked.Exchange(ref _clogged, null)?.TrySetResult();

    public override async ValueTask<int> ReceiveAsync(Memory<byte> destination)
    {
        while (_rest.IsEmpty)
        {
            Volatile.Write(ref _waiting, true);
            var more = _incoming.Reader.WaitToReadAsync().AsTask();
            if (await Task.WhenAny(more, _aborted.Task) == _aborted.Task)
            {
                throw new IOException("aborted");
            }

            if (!await more)
            {
                return 0;
            }

            Volatile.Write(ref _waiting, false);
            _rest = await _incoming.Reader.ReadAsync();
        }

        var count = Math.Min(_rest.Length, destination.Length);
        _rest[..count].CopyTo(destination);
        _rest = _rest[count..];
        return count;
    }

    public override async ValueTask<int> SendAsync(ReadOnlyMemory<byte> source)
    {
        if (Volatile.Read(ref _clogged) is { } clogged
            && await Task.WhenAny(clogged.Task, _aborted.Task) == _aborted.Task)
        {
            throw new IOException("aborted");
        }

        ObjectDisposedException.ThrowIf(_aborted.Task.IsCompleted, this);
        lock (_sent)
        {
            _sent.Add(source.ToArray());
        }

        Interlocked.Add(ref _sentBytes, source.Length);
        return source.Length;
    }

    /// <summary>What <see cref="BytesTaken"/> does.</summary>
    public Func<long?> Taken { get; set; } = static () => null;

    public override long? BytesTaken() => Taken();

    public override void Abort() => _aborted.TrySetResult();
}
