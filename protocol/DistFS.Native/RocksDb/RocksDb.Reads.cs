using System.Buffers;

namespace DistFS.Native.RocksDb;

/// <content>Reads.</content>
public sealed unsafe partial class RocksDb
{
    /// <summary>
    /// Reads a value where the engine has it, without a copy. Allocates nothing on the managed heap.
    /// </summary>
    /// <param name="family">Where.</param>
    /// <param name="key">The key.</param>
    /// <param name="options">How; null for the latest state, verified.</param>
    /// <returns>The value, to be disposed; <see cref="PinnedSlice.Found"/> is false when there is none.</returns>
    public PinnedSlice GetPinned(ColumnFamily family, ReadOnlySpan<byte> key, ReadOptions? options = null)
    {
        using var db = Enter(family);
        if (options is null)
        {
            var plain = _handle.DefaultReadOptions.DangerousGetHandle();
            return new PinnedSlice(_handle, GetPinned(db.Pointer, plain, family, key));
        }

        using var read = Enter(options);
        return new PinnedSlice(_handle, GetPinned(db.Pointer, read.Pointer, family, key));
    }

    /// <summary>
    /// As <see cref="GetPinned(ColumnFamily, ReadOnlySpan{byte}, ReadOptions?)"/>, for a value that is to outlive the
    /// call: sent over a socket, for instance, as the memory of the engine.
    /// </summary>
    /// <returns>The value, to be disposed after its last use, or null when there is none.</returns>
    public PinnedValue? GetValue(ColumnFamily family, ReadOnlySpan<byte> key, ReadOptions? options = null)
    {
        using var slice = GetPinned(family, key, options);
        return slice.Found ? slice.Detach() : null;
    }

    /// <summary>A copy of a value, or null when there is none.</summary>
    public byte[]? Get(ColumnFamily family, ReadOnlySpan<byte> key, ReadOptions? options = null)
    {
        using var slice = GetPinned(family, key, options);
        return slice.Found ? slice.Span.ToArray() : null;
    }

    /// <summary>Copies a value into a buffer.</summary>
    /// <param name="family">Where.</param>
    /// <param name="key">The key.</param>
    /// <param name="destination">Where to; nothing is written when the value does not fit.</param>
    /// <param name="length">The value's whole length, also when it did not fit.</param>
    /// <param name="options">How.</param>
    /// <returns>Whether there is a value.</returns>
    public bool TryGet(
        ColumnFamily family,
        ReadOnlySpan<byte> key,
        Span<byte> destination,
        out int length,
        ReadOptions? options = null)
    {
        using var slice = GetPinned(family, key, options);
        length = slice.Span.Length;
        if (length <= destination.Length)
        {
            slice.Span.CopyTo(destination);
        }

        return slice.Found;
    }

    /// <summary>Whether there is a value.</summary>
    public bool ContainsKey(ColumnFamily family, ReadOnlySpan<byte> key, ReadOptions? options = null)
    {
        using var slice = GetPinned(family, key, options);
        return slice.Found;
    }

    /// <summary>
    /// Reads many values of keys of one length at once: the engine looks at each filter and index once for all of them.
    /// </summary>
    /// <param name="family">Where.</param>
    /// <param name="packedKeys">The keys, one after the other.</param>
    /// <param name="keyBytes">The length of each.</param>
    /// <param name="sorted">
    /// Whether the keys ascend, which saves the engine a sort. Wrong results when they do not.
    /// </param>
    /// <param name="options">How.</param>
    /// <returns>The values in the order of the keys, to be disposed. One key that fails fails the call.</returns>
    public PinnedSlices MultiGet(
        ColumnFamily family,
        ReadOnlySpan<byte> packedKeys,
        int keyBytes,
        bool sorted = false,
        ReadOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(keyBytes);
        if (packedKeys.Length % keyBytes != 0)
        {
            throw new ArgumentException($"{packedKeys.Length} bytes are no whole number of keys.", nameof(packedKeys));
        }

        using var db = Enter(family);
        if (options is null)
        {
            var plain = _handle.DefaultReadOptions.DangerousGetHandle();
            return MultiGet(db.Pointer, plain, family, packedKeys, keyBytes, sorted);
        }

        using var read = Enter(options);
        return MultiGet(db.Pointer, read.Pointer, family, packedKeys, keyBytes, sorted);
    }

    /// <summary>
    /// Starts an iterator on the state of now, or of the snapshot. It stands nowhere until it is sought.
    /// </summary>
    /// <param name="family">Over what.</param>
    /// <param name="options">
    /// How; null for everything, verified. Kept by the iterator, and may be disposed before it.
    /// </param>
    public RocksIterator CreateIterator(ColumnFamily family, ReadOptions? options = null)
    {
        using var db = Enter(family);
        if (options is not null)
        {
            using var read = Enter(options);
            return new RocksIterator(new IteratorHandle(_handle, options.Handle, family), Path);
        }

        return new RocksIterator(new IteratorHandle(_handle, _handle.DefaultReadOptions, family), Path);
    }

    /// <summary>Starts an iterator with settings for it alone.</summary>
    public RocksIterator CreateIterator(ColumnFamily family, ReadSettings settings)
    {
        using var options = new ReadOptions(settings);
        return CreateIterator(family, options);
    }

    /// <summary>Holds the state of now.</summary>
    public RocksSnapshot CreateSnapshot()
    {
        using var db = _handle.Acquire();
        return new RocksSnapshot(_handle);
    }

    private nint GetPinned(nint db, nint options, ColumnFamily family, ReadOnlySpan<byte> key)
    {
        byte* error = null;
        nint slice;
        fixed (byte* text = key)
        {
            slice = RocksNative.GetPinnedCf(db, options, family.Pointer, text, (nuint)key.Length, &error);
        }

        RocksDbErrors.ThrowIfError(error, Path);
        return slice;
    }

    private PinnedSlices MultiGet(
        nint db, nint options, ColumnFamily family, ReadOnlySpan<byte> packedKeys, int keyBytes, bool sorted)
    {
        // One buffer for the four arrays that the call wants: keys, lengths, values, errors.
        var count = packedKeys.Length / keyBytes;
        var scratch = ArrayPool<nint>.Shared.Rent(Math.Max(1, 4 * count));
        var values = scratch.AsSpan(2 * count, count);
        try
        {
            fixed (byte* keys = packedKeys)
            fixed (nint* table = scratch)
            {
                new Span<nint>(table, 4 * count).Clear();
                for (var i = 0; i < count; i++)
                {
                    table[i] = (nint)(keys + ((nint)i * keyBytes));
                    table[count + i] = keyBytes;
                }

                var errors = (byte**)(table + (3 * count));
                RocksNative.BatchedMultiGetCf(
                    db, options, family.Pointer, (nuint)count, (byte**)table, (nuint*)(table + count),
                    table + (2 * count), errors, sorted ? (byte)1 : (byte)0);
                ThrowFirst(errors, values);
            }

            return new PinnedSlices(_handle, values);
        }
        finally
        {
            ArrayPool<nint>.Shared.Return(scratch);
        }
    }

    private void ThrowFirst(byte** errors, Span<nint> values)
    {
        RocksDbException? first = null;
        for (var i = 0; i < values.Length; i++)
        {
            if (errors[i] is not null)
            {
                var failure = RocksDbErrors.Take(errors[i], Path);
                first ??= failure;
            }
        }

        if (first is null)
        {
            return;
        }

        foreach (var value in values)
        {
            if (value != 0)
            {
                RocksNative.PinnableSliceDestroy(value);
            }
        }

        throw first;
    }

    private Lease Enter(ReadOptions options)
    {
        if (options.Handle.SnapshotOwner is { } owner && !ReferenceEquals(owner, _handle))
        {
            ThrowForeign(nameof(options));
        }

        return options.Handle.Acquire();
    }
}
