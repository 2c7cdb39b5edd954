using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace DistFS.Native.RocksDb;

/// <summary>
/// A value in the engine's memory. Stays as it was read when the key is overwritten or deleted. Dispose once, in the
/// method that read it; do not copy the struct.
/// </summary>
public unsafe ref struct PinnedSlice : IDisposable
{
    private readonly byte* _bytes;
    private readonly int _length;
    private DbHandle? _db;
    private nint _slice;

    internal PinnedSlice(DbHandle db, nint slice)
    {
        if (slice == 0)
        {
            return;
        }

        // Invariant: while _slice is not 0, one reference on _db is held for it.
        var added = false;
        db.DangerousAddRef(ref added);
        nuint length;
        _db = db;
        _slice = slice;
        _bytes = RocksNative.PinnableSliceValue(slice, &length);
        _length = checked((int)length);
    }

    /// <summary>Whether there was a value.</summary>
    public readonly bool Found => _slice != 0;

    /// <summary>The value, valid until Dispose; empty when there was none.</summary>
    public readonly ReadOnlySpan<byte> Span => _slice != 0 ? new ReadOnlySpan<byte>(_bytes, _length) : default;

    /// <summary>Hands the value over to an object on the heap; this struct is then empty.</summary>
    /// <exception cref="InvalidOperationException">There was no value.</exception>
    public PinnedValue Detach()
    {
        if (_slice == 0)
        {
            throw new InvalidOperationException("There is no value to detach.");
        }

        var value = new PinnedValue(new PinnedHandle(_db!, _slice), _bytes, _length);
        _slice = 0; // The handle has it now, with a reference of its own.
        _db!.DangerousRelease();
        _db = null;
        return value;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_slice != 0)
        {
            RocksNative.PinnableSliceDestroy(_slice);
            _slice = 0;
            _db!.DangerousRelease();
            _db = null;
        }
    }
}

/// <summary>
/// A value in the engine's memory, as <see cref="Memory{T}"/> without a copy. Dispose after the last use of that
/// memory; one that is forgotten is freed by a finalizer, and keeps its database open until then.
/// </summary>
/// <remarks>
/// Not pooled on purpose: a pooled one that is used again would show another value's bytes to whoever still holds the
/// old memory, while this one throws.
/// </remarks>
public sealed unsafe class PinnedValue : MemoryManager<byte>
{
    private readonly PinnedHandle _handle;
    private readonly byte* _bytes;

    internal PinnedValue(PinnedHandle handle, byte* bytes, int length)
    {
        _handle = handle;
        _bytes = bytes;
        Length = length;
    }

    /// <summary>Bytes.</summary>
    public int Length { get; }

    /// <summary>The value.</summary>
    public ReadOnlySpan<byte> Span => GetSpan();

    /// <summary>Gives the memory back; whoever holds it pinned (a running send) delays that until he is done.</summary>
    public void Dispose() => _handle.Dispose();

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        return new Span<byte>(_bytes, Length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, Length);
        var added = false;
        _handle.DangerousAddRef(ref added);
        return new MemoryHandle(_bytes + elementIndex, default, this);
    }

    /// <inheritdoc/>
    public override void Unpin() => _handle.DangerousRelease();

    /// <inheritdoc/>
    [SuppressMessage("Usage", "CA2215", Justification = "The base has nothing to dispose.")]
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _handle.Dispose();
        }
    }
}

/// <summary>
/// The result of <see cref="RocksDb.MultiGet(ColumnFamily, ReadOnlySpan{byte}, int, bool, ReadOptions?)"/>. Dispose
/// once; do not copy the struct.
/// </summary>
public unsafe ref struct PinnedSlices : IDisposable
{
    private DbHandle? _db;
    private nint[]? _slices;

    internal PinnedSlices(DbHandle db, ReadOnlySpan<nint> slices)
    {
        // Invariant: while _slices is not null, one reference on _db is held for all of them.
        var added = false;
        db.DangerousAddRef(ref added);
        _db = db;
        _slices = ArrayPool<nint>.Shared.Rent(Math.Max(1, slices.Length));
        slices.CopyTo(_slices);
        Count = slices.Length;
    }

    /// <summary>The number of keys that were asked for.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// The value of key number <paramref name="index"/>, valid until Dispose; empty when there was none.
    /// </summary>
    public readonly ReadOnlySpan<byte> this[int index]
    {
        get
        {
            var slice = Slice(index);
            if (slice == 0)
            {
                return default;
            }

            nuint length;
            var bytes = RocksNative.PinnableSliceValue(slice, &length);
            return new ReadOnlySpan<byte>(bytes, checked((int)length));
        }
    }

    /// <summary>Whether key number <paramref name="index"/> has a value.</summary>
    public readonly bool Found(int index) => Slice(index) != 0;

    /// <summary>Hands one value over to an object on the heap; null when there was none.</summary>
    public readonly PinnedValue? Detach(int index)
    {
        var slice = Slice(index);
        if (slice == 0)
        {
            return null;
        }

        nuint length;
        var bytes = RocksNative.PinnableSliceValue(slice, &length);
        var value = new PinnedValue(new PinnedHandle(_db!, slice), bytes, checked((int)length));
        _slices![index] = 0;
        return value;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_slices is null)
        {
            return;
        }

        foreach (var slice in _slices.AsSpan(0, Count))
        {
            if (slice != 0)
            {
                RocksNative.PinnableSliceDestroy(slice);
            }
        }

        ArrayPool<nint>.Shared.Return(_slices);
        _slices = null;
        Count = 0;
        _db!.DangerousRelease();
        _db = null;
    }

    private readonly nint Slice(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _slices![index];
    }
}
