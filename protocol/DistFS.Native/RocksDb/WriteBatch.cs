namespace DistFS.Native.RocksDb;

/// <summary>
/// Writes that are done together, in their order, atomically. Belongs to the database of the first column family that
/// it names; <see cref="Clear"/> frees it for another. For one thread at a time. Keys and values are copied.
/// </summary>
public sealed unsafe class WriteBatch : IDisposable
{
    /// <summary>Creates an empty batch.</summary>
    /// <exception cref="NativeLibraryMissingException">librocksdb is not installed.</exception>
    public WriteBatch()
    {
        NativeLibraries.RocksDb.Require();
        Handle = new WriteBatchHandle();
    }

    /// <summary>The number of writes in it.</summary>
    public int Count
    {
        get
        {
            using var batch = Handle.Acquire();
            return RocksNative.WriteBatchCount(batch.Pointer);
        }
    }

    /// <summary>Its size in bytes, as it will stand in the log: the header of 12 included.</summary>
    public long SizeBytes
    {
        get
        {
            using var batch = Handle.Acquire();
            nuint size;
            _ = RocksNative.WriteBatchData(batch.Pointer, &size);
            return checked((long)size);
        }
    }

    internal WriteBatchHandle Handle { get; }

    /// <summary>
    /// The database that this batch is for; null as long as it is empty. Families are numbers in a batch, and the
    /// number of one database names something else in another.
    /// </summary>
    internal DbHandle? Owner { get; private set; }

    /// <summary>Adds a value.</summary>
    /// <exception cref="ArgumentException">The family belongs to another database than those before.</exception>
    public void Put(ColumnFamily family, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        using var db = Enter(family);
        using var batch = Handle.Acquire();
        fixed (byte* keyText = key)
        fixed (byte* valueText = value)
        {
            RocksNative.WriteBatchPutCf(
                batch.Pointer, family.Pointer, keyText, (nuint)key.Length, valueText, (nuint)value.Length);
        }
    }

    /// <summary>Adds the deletion of a key.</summary>
    /// <exception cref="ArgumentException">The family belongs to another database than those before.</exception>
    public void Delete(ColumnFamily family, ReadOnlySpan<byte> key)
    {
        using var db = Enter(family);
        using var batch = Handle.Acquire();
        fixed (byte* text = key)
        {
            RocksNative.WriteBatchDeleteCf(batch.Pointer, family.Pointer, text, (nuint)key.Length);
        }
    }

    /// <summary>Adds the deletion of the keys from <paramref name="start"/> to before <paramref name="end"/>.</summary>
    /// <exception cref="ArgumentException">The family belongs to another database than those before.</exception>
    public void DeleteRange(ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        using var db = Enter(family);
        using var batch = Handle.Acquire();
        fixed (byte* startText = start)
        fixed (byte* endText = end)
        {
            RocksNative.WriteBatchDeleteRangeCf(
                batch.Pointer, family.Pointer, startText, (nuint)start.Length, endText, (nuint)end.Length);
        }
    }

    /// <summary>Empties it; its memory is kept for what follows.</summary>
    public void Clear()
    {
        using var batch = Handle.Acquire();
        RocksNative.WriteBatchClear(batch.Pointer);
        Owner = null;
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private Lease Enter(ColumnFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        if (Owner is not null && !ReferenceEquals(Owner, family.Owner))
        {
            throw new ArgumentException("The batch is for another database; clear it first.", nameof(family));
        }

        var lease = family.Owner.Acquire();
        Owner = family.Owner;
        return lease;
    }
}
