using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistFS.Fuse.Tests.Server;

/// <summary>
/// The other side of the connection, in memory: hands requests to whichever device reads, control before others, and
/// checks that each is answered once, through the device that read it.
/// </summary>
internal sealed class MemoryKernel
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly object _gate = new();
    private readonly LinkedList<byte[]> _pending = [];
    private readonly Dictionary<ulong, Device> _taken = [];
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<Reply>> _replies = [];
    private readonly ConcurrentQueue<string> _violations = [];
    private Errno _over;
    private ulong _unique = 2;
    private int _devices;
    private long _ownAllocations;

    public IEnumerable<string> Violations => _violations;

    public ConcurrentQueue<Reply> Notifications { get; } = [];

    /// <summary>What writes of notifications come to.</summary>
    public Func<Reply, Errno> OnNotification { get; set; } = _ => Errno.None;

    /// <summary>Bytes that this stand-in allocated in the threads of the library.</summary>
    public long OwnAllocations => Interlocked.Read(ref _ownAllocations);

    public int OpenDevices => Volatile.Read(ref _devices);

    public Device NewDevice() => new(this);

    public ulong NextUnique() => Interlocked.Add(ref _unique, 2);

    /// <summary>The bytes of a request with the right header.</summary>
    public byte[] Build(Opcode opcode, ulong node, ReadOnlySpan<byte> body, ulong unique = 0, ushort extensions = 0)
    {
        var header = new FuseInHeader
        {
            Length = (uint)(40 + body.Length),
            Opcode = opcode,
            Unique = unique == 0 ? NextUnique() : unique,
            NodeId = node,
            Uid = 1000,
            Gid = 100,
            Pid = 4242,
            ExtensionWords = extensions,
        };
        var bytes = new byte[40 + body.Length];
        MemoryMarshal.Write(bytes, in header);
        body.CopyTo(bytes.AsSpan(40));
        return bytes;
    }

    public static byte[] Bytes<T>(T value, params byte[] tail)
        where T : unmanaged => [.. MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref value)), .. tail];

    public Task<Reply> Ask(Opcode opcode, ulong node, ReadOnlySpan<byte> body) => Ask(Build(opcode, node, body));

    public Task<Reply> Ask(byte[] request)
    {
        var waiter = _replies.GetOrAdd(
            MemoryMarshal.Read<ulong>(request.AsSpan(8)),
            _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        Post(request);
        return waiter.Task.WaitAsync(Limit);
    }

    /// <summary>Without a wait for the reply.</summary>
    public void Post(byte[] request, bool first = false)
    {
        lock (_gate)
        {
            _ = first ? _pending.AddFirst(request) : _pending.AddLast(request);
            Monitor.PulseAll(_gate);
        }
    }

    public void Interrupt(ulong unique) =>
        Post(Build(Opcode.Interrupt, 0, Bytes(unique), unique | 1), first: true);

    public Task<Reply> Init(uint minor = 45, ulong features = ulong.MaxValue)
    {
        var offer = new FuseInitIn
        {
            Major = 7,
            Minor = minor,
            MaxReadAhead = 4 << 20,
            Flags = (uint)features,
            Flags2 = (uint)(features >> 32),
        };
        return Ask(Opcode.Init, 0, Bytes(offer));
    }

    /// <summary>Every later read ends with this.</summary>
    public void End(Errno error)
    {
        lock (_gate)
        {
            _over = error;
            Monitor.PulseAll(_gate);
        }
    }

    private Errno Take(Device device, Span<byte> buffer, out int length)
    {
        lock (_gate)
        {
            length = 0;
            while (_pending.Count == 0 && _over == Errno.None && !device.TakeInterrupt())
            {
                Monitor.Wait(_gate);
            }

            if (_pending.First is not { } next)
            {
                return _over == Errno.None ? Errno.EINTR : _over;
            }

            _pending.RemoveFirst();
            next.Value.CopyTo(buffer);
            length = next.Value.Length;
            if (length >= 16)
            {
                _taken[MemoryMarshal.Read<ulong>(next.Value.AsSpan(8))] = device;
            }

            return Errno.None;
        }
    }

    private Errno Put(Device device, byte[] message)
    {
        var header = MemoryMarshal.Read<FuseOutHeader>(message);
        var reply = new Reply((Errno)(-header.Error), header.Unique, message[16..]);
        if (header.Length != message.Length)
        {
            _violations.Enqueue($"{header.Length} said, {message.Length} written");
            return Errno.EINVAL;
        }

        if (header.Unique == 0)
        {
            var result = OnNotification(reply);
            Notifications.Enqueue(reply);
            return result;
        }

        lock (_gate)
        {
            if (!_taken.Remove(header.Unique, out var reader))
            {
                _violations.Enqueue($"{header.Unique} answered twice, or never asked");
                return Errno.ENOENT;
            }

            if (!ReferenceEquals(reader, device))
            {
                _violations.Enqueue($"{header.Unique} answered through another device");
                return Errno.ENOENT;
            }
        }

        if (_replies.TryGetValue(header.Unique, out var waiter))
        {
            waiter.TrySetResult(reply);
        }

        return Errno.None;
    }

    /// <summary>One reply, without its header.</summary>
    internal sealed record Reply(Errno Error, ulong Unique, byte[] Body)
    {
        public T As<T>()
            where T : unmanaged
        {
            Assert.Equal(Errno.None, Error);
            Assert.Equal(Unsafe.SizeOf<T>(), Body.Length);
            return MemoryMarshal.Read<T>(Body);
        }
    }

    /// <summary>Like one descriptor.</summary>
    internal sealed class Device : IFuseDevice
    {
        private readonly MemoryKernel _kernel;
        private bool _isInterrupted;
        private bool _isSevered;

        public Device(MemoryKernel kernel)
        {
            _kernel = kernel;
            Interlocked.Increment(ref kernel._devices);
        }

        public Errno Read(Span<byte> buffer, out int length)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var result = _kernel.Take(this, buffer, out length);
            Interlocked.Add(ref _kernel._ownAllocations, GC.GetAllocatedBytesForCurrentThread() - before);
            return result;
        }

        public unsafe Errno Write(ReadOnlySpan<IoVector> message)
        {
            if (_isSevered)
            {
                return Errno.None;
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            var bytes = new List<byte>();
            foreach (var piece in message)
            {
                bytes.AddRange(new ReadOnlySpan<byte>((void*)piece.Address, (int)piece.Length));
            }

            var result = _kernel.Put(this, [.. bytes]);
            Interlocked.Add(ref _kernel._ownAllocations, GC.GetAllocatedBytesForCurrentThread() - before);
            return result;
        }

        public IFuseDevice Clone() => new Device(_kernel);

        public void Interrupt()
        {
            lock (_kernel._gate)
            {
                _isInterrupted = true;
                Monitor.PulseAll(_kernel._gate);
            }
        }

        public bool TakeInterrupt()
        {
            var was = _isInterrupted;
            _isInterrupted = false;
            return was;
        }

        public void Sever() => _isSevered = true;

        public void Dispose() => Interlocked.Decrement(ref _kernel._devices);
    }
}
