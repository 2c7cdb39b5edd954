using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistFS.Fuse;

/// <summary>
/// One request in pooled memory: its bytes, and who may answer it. States: idle, running (a reader is in its handler),
/// deferred, abandoned (the server answered in the place of a handler that is too late), answered. Fields but the
/// word are written before the request is shown to anybody, or by who has claimed it.
/// </summary>
internal sealed partial class RequestState
{
    /// <summary>Requests up to this size are copied, so that only large ones keep a large buffer.</summary>
    public const int SmallBytes = 8 << 10;

    private const int StateBits = 3;
    private const long StateMask = (1 << StateBits) - 1;
    private const long Idle = 0;
    private const long Running = 1;
    private const long Deferred = 2;
    private const long Abandoned = 3;
    private const long Answered = 4;

    private readonly FuseServer _server;
    private readonly byte[] _small = GC.AllocateUninitializedArray<byte>(SmallBytes, pinned: true);
    private byte[] _bytes;
    private byte[]? _large;
    private int _length;
    private (int At, int Length) _name;
    private (int At, int Length) _second;
    private FuseInHeader _header;
    private Channel? _channel;
    private int _readerThread;
    private long _beganAt;

    /// <summary>
    /// The lease, and the state in its low bits. A lease is never used twice, so that a late answer of an earlier
    /// request fails instead of answering the present one.
    /// </summary>
    private long _word;

    /// <summary>
    /// The reader's and, of a deferred request, the answer's: the last to let go returns it to the pool.
    /// </summary>
    private int _references;

    public RequestState(FuseServer server)
    {
        _server = server;
        _bytes = _small;
    }

    public long Lease => Volatile.Read(ref _word) >> StateBits;

    public ref readonly FuseInHeader Header => ref _header;

    /// <summary>Set by the reader's thread in the handler; read by it and by who answers a deferred request.</summary>
    public bool WasDeferred { get; private set; }

    /// <summary>Bytes of content that the kernel has room for in the reply.</summary>
    public uint ReplyBytesMax { get; private set; }

    public ReadOnlyMemory<byte> Name => _bytes.AsMemory(_name.At, _name.Length);

    public ReadOnlyMemory<byte> Second => _bytes.AsMemory(_second.At, _second.Length);

    /// <summary>What the budget counts: the memory that it holds, and what its answer will need.</summary>
    public long Cost => SmallBytes + (_large?.Length ?? 0) + Math.Min(ReplyBytesMax, (uint)_server.Options.BufferBytes);

    /// <summary>When it was deferred, in ms of <see cref="Environment.TickCount64"/>.</summary>
    public long DeferredAtMs { get; private set; }

    /// <summary>Told to the observer already.</summary>
    public bool IsToldAsSlow { get; set; }

    /// <summary>
    /// Takes a request that was read. A large one takes the reader's buffer with it, and leaves null.
    /// </summary>
    public void Begin(Channel channel, ref byte[]? buffer, int length)
    {
        if (length <= SmallBytes)
        {
            buffer.AsSpan(0, length).CopyTo(_small);
            _bytes = _small;
        }
        else
        {
            _bytes = _large = buffer!;
            buffer = null;
        }

        _length = length;
        _header = MemoryMarshal.Read<FuseInHeader>(_bytes);
        _channel = channel;
        _readerThread = Environment.CurrentManagedThreadId;
        _references = 1;
        WasDeferred = false;
        IsToldAsSlow = false;
        ReplyBytesMax = 0;
        _beganAt = Stopwatch.GetTimestamp();
        (_hasFailed, _sentBytes) = (false, 0);
        Volatile.Write(ref _word, ((Lease + 1) << StateBits) | Running);
    }

    /// <summary>The reader is done with a request that it answered itself; it may have its buffer back.</summary>
    public void End(ref byte[]? buffer)
    {
        if (_large != null)
        {
            buffer = _large;
            _large = null;
        }

        Clear();
    }

    /// <summary>One holder less of a deferred request.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
        {
            return;
        }

        if (_large != null)
        {
            _server.Buffers.Return(_large);
            _large = null;
        }

        _channel!.Release();
        Clear();
        _server.States.Return(this);
    }

    public bool IsOpen(long lease) =>
        Volatile.Read(ref _word) is var word && word >> StateBits == lease
        && (word & StateMask) is Running or Deferred or Abandoned;

    public void Defer(long lease)
    {
        if (Volatile.Read(ref _word) != ((lease << StateBits) | Running)
            || Environment.CurrentManagedThreadId != _readerThread)
        {
            throw new InvalidOperationException("A FUSE request is deferred once, by its handler, before its answer.");
        }

        _channel!.AddReference();
        _references = 2;
        WasDeferred = true;
        DeferredAtMs = Environment.TickCount64;
        _server.Budget.Add(Cost);
        Volatile.Write(ref _word, (lease << StateBits) | Deferred);
        _server.Flight.Add(this);
    }

    /// <summary>Takes the right to answer.</summary>
    /// <exception cref="InvalidOperationException">It was answered, or not deferred and this is another
    /// thread.</exception>
    public void Claim(long lease)
    {
        var answered = (lease << StateBits) | Answered;
        var running = (lease << StateBits) | Running;
        var seen = Volatile.Read(ref _word);
        if (seen == running && Environment.CurrentManagedThreadId != _readerThread)
        {
            throw new InvalidOperationException("A FUSE request that was not deferred is answered by its handler.");
        }

        if (seen >> StateBits == lease && (seen & StateMask) is Running or Deferred or Abandoned)
        {
            var was = Interlocked.CompareExchange(ref _word, answered, seen);
            if (was == seen
                || (was == ((lease << StateBits) | Abandoned)
                    && Interlocked.CompareExchange(ref _word, answered, was) == was))
            {
                _isLate = (was & StateMask) == Abandoned;
                return;
            }
        }

        throw new InvalidOperationException($"The FUSE request was answered already ({_header.Opcode}).");
    }

    /// <summary>The reader's look after the handler: answers with EIO what nobody else will.</summary>
    /// <returns>Whether it had to.</returns>
    public bool FailIfOpen()
    {
        var seen = Volatile.Read(ref _word);
        var state = seen & StateMask;
        if (state is not (Running or Deferred or Abandoned)
            || Interlocked.CompareExchange(ref _word, (seen & ~StateMask) | Answered, seen) != seen)
        {
            return false;
        }

        _isLate = state == Abandoned;
        SendError(Errno.EIO);
        return true;
    }

    /// <summary>
    /// Answers in the place of a handler that is too late; under the lock of the table, so it is not recycled
    /// meanwhile.
    /// </summary>
    public bool Abandon(Errno error)
    {
        var seen = Volatile.Read(ref _word);
        var abandoned = (seen & ~StateMask) | Abandoned;
        if ((seen & StateMask) != Deferred || Interlocked.CompareExchange(ref _word, abandoned, seen) != seen)
        {
            return false;
        }

        WriteError(error);
        return true;
    }

    public ref readonly T Arguments<T>()
        where T : unmanaged => ref Unsafe.As<byte, T>(ref _bytes[Unsafe.SizeOf<FuseInHeader>()]);

    private void Clear()
    {
        _bytes = _small;
        _channel = null;
        _interrupt = null;
        _isInterrupted = false;
        if (_directory != null)
        {
            _server.Buffers.Return(_directory);
            _directory = null;
        }

        _directoryLength = 0;
        Volatile.Write(ref _word, (Lease << StateBits) | Idle);
    }
}
