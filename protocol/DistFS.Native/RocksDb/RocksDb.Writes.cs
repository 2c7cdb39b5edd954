namespace DistFS.Native.RocksDb;

/// <content>Writes.</content>
public sealed unsafe partial class RocksDb
{
    /// <summary>Writes one value.</summary>
    /// <exception cref="StoreFullException">The disk is full; nothing was acknowledged.</exception>
    public void Put(ColumnFamily family, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, WriteSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        using var db = Enter(family);
        byte* error = null;
        fixed (byte* keyText = key)
        fixed (byte* valueText = value)
        {
            RocksNative.PutCf(
                db.Pointer, _handle.WriteOptions(settings), family.Pointer, keyText, (nuint)key.Length, valueText,
                (nuint)value.Length, &error);
        }

        RocksDbErrors.ThrowIfError(error, Path);
    }

    /// <summary>Deletes one key; an absent one is no error.</summary>
    public void Delete(ColumnFamily family, ReadOnlySpan<byte> key, WriteSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        using var db = Enter(family);
        byte* error = null;
        fixed (byte* text = key)
        {
            RocksNative.DeleteCf(
                db.Pointer, _handle.WriteOptions(settings), family.Pointer, text, (nuint)key.Length, &error);
        }

        RocksDbErrors.ThrowIfError(error, Path);
    }

    /// <summary>Deletes the keys from <paramref name="start"/> up to, and without, <paramref name="end"/>.</summary>
    /// <exception cref="StoreRefusedException"><paramref name="end"/> is before <paramref name="start"/>.</exception>
    public void DeleteRange(
        ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, WriteSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        using var db = Enter(family);
        byte* error = null;
        fixed (byte* startText = start)
        fixed (byte* endText = end)
        {
            RocksNative.DeleteRangeCf(
                db.Pointer, _handle.WriteOptions(settings), family.Pointer, startText, (nuint)start.Length, endText,
                (nuint)end.Length, &error);
        }

        RocksDbErrors.ThrowIfError(error, Path);
    }

    /// <summary>Writes a batch: after a crash all of it is there or nothing.</summary>
    /// <remarks>The batch stays as it is, and may be cleared and used again.</remarks>
    public void Write(WriteBatch batch, WriteSettings settings)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(settings);
        if (batch.Owner is { } owner && !ReferenceEquals(owner, _handle))
        {
            ThrowForeign(nameof(batch));
        }

        using var db = _handle.Acquire();
        using var native = batch.Handle.Acquire();
        byte* error = null;
        RocksNative.Write(db.Pointer, _handle.WriteOptions(settings), native.Pointer, &error);
        RocksDbErrors.ThrowIfError(error, Path);
    }
}
