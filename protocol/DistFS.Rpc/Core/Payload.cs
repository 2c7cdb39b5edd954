using System.Buffers;
using DistFS.Primitives;

namespace DistFS.Rpc;

/// <summary>
/// Received raw bytes in pooled memory. Dispose exactly once, when they are no longer used; a second use or disposal is
/// a defect that stops the process, since the memory may by then hold somebody else's bytes.
/// </summary>
public readonly struct Payload : IDisposable, IEquatable<Payload>
{
    private readonly PooledBuffer? _buffer;
    private readonly int _lease;

    internal Payload(PooledBuffer buffer)
    {
        _buffer = buffer;
        _lease = buffer.Lease;
    }

    /// <summary>In bytes.</summary>
    public int Length => _buffer?.Length ?? 0;

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer == null ? default : _buffer.Memory(_lease);

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Span => Memory.Span;

    /// <summary>Gives the memory back to the pool.</summary>
    public void Dispose() => _buffer?.Return(_lease);

    /// <inheritdoc/>
    public bool Equals(Payload other) => ReferenceEquals(_buffer, other._buffer) && _lease == other._lease;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Payload other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_buffer, _lease);

    /// <summary>The same memory and lease.</summary>
    public static bool operator ==(Payload left, Payload right) => left.Equals(right);

    /// <summary>Another memory or lease.</summary>
    public static bool operator !=(Payload left, Payload right) => !left.Equals(right);
}

/// <summary>An array of <see cref="ArrayPool{T}"/> with the number of its lease, to catch use after return.</summary>
internal sealed class PooledBuffer
{
    private static readonly ObjectPool<PooledBuffer> Pool = new(() => new());
    private static long _outstanding;

    private byte[] _array = [];
    private int _lease;

    /// <summary>Buffers that were rented and not returned, for tests that look for leaks.</summary>
    public static long Outstanding => Interlocked.Read(ref _outstanding);

    public int Length { get; private set; }

    public int Lease => Volatile.Read(ref _lease);

    /// <summary>At most twice <paramref name="length"/> bytes are allocated.</summary>
    public static PooledBuffer Rent(int length)
    {
        var buffer = Pool.Rent();
        buffer._array = ArrayPool<byte>.Shared.Rent(length);
        buffer.Length = length;
        Interlocked.Increment(ref _outstanding);
        return buffer;
    }

    public Memory<byte> Memory(int lease)
    {
        Check.That(lease == Volatile.Read(ref _lease));
        return _array.AsMemory(0, Length);
    }

    public void Return(int lease)
    {
        Check.That(Interlocked.CompareExchange(ref _lease, lease + 1, lease) == lease);
        ArrayPool<byte>.Shared.Return(_array);
        _array = [];
        Length = 0;
        Interlocked.Decrement(ref _outstanding);
        Pool.Return(this);
    }
}
