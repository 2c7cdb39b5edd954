namespace DistFS.Native.RocksDb;

/// <summary>
/// Walks over keys in order, seeing one state of the database from its creation on. For one thread at a time. A loop
/// that ends must be followed by <see cref="CheckStatus"/>: an iterator that meets an error stops as if at the end.
/// </summary>
/// <example>
/// <code>
/// using var iterator = db.CreateIterator(family, settings);
/// for (iterator.Seek(start); iterator.IsValid; iterator.Next())
/// {
///     Use(iterator.Key, iterator.Value);
/// }
///
/// iterator.CheckStatus();
/// </code>
/// </example>
public sealed unsafe class RocksIterator : IDisposable
{
    private readonly IteratorHandle _handle;
    private readonly string _path;

    // Where the iterator stands, read once per move while the handle is held: so looking at it costs no call.
    private byte* _key;
    private byte* _value;
    private nuint _keyLength;
    private nuint _valueLength;

    internal RocksIterator(IteratorHandle handle, string path) => (_handle, _path) = (handle, path);

    /// <summary>Whether it stands on a key.</summary>
    public bool IsValid => _key is not null && !_handle.IsClosed;

    /// <summary>The key, valid until the next move.</summary>
    /// <exception cref="InvalidOperationException">It stands on no key.</exception>
    public ReadOnlySpan<byte> Key
    {
        get
        {
            ThrowUnlessValid();
            return new ReadOnlySpan<byte>(_key, (int)_keyLength);
        }
    }

    /// <summary>The value, valid until the next move.</summary>
    /// <exception cref="InvalidOperationException">It stands on no key.</exception>
    public ReadOnlySpan<byte> Value
    {
        get
        {
            ThrowUnlessValid();
            return new ReadOnlySpan<byte>(_value, checked((int)_valueLength));
        }
    }

    /// <summary>To the first key within the bounds.</summary>
    public void SeekToFirst()
    {
        using var iterator = _handle.Acquire();
        RocksNative.IterSeekToFirst(iterator.Pointer);
        Look(iterator.Pointer);
    }

    /// <summary>To the last key within the bounds.</summary>
    public void SeekToLast()
    {
        using var iterator = _handle.Acquire();
        RocksNative.IterSeekToLast(iterator.Pointer);
        Look(iterator.Pointer);
    }

    /// <summary>To the first key that is not less than <paramref name="key"/>.</summary>
    public void Seek(ReadOnlySpan<byte> key)
    {
        using var iterator = _handle.Acquire();
        fixed (byte* text = key)
        {
            RocksNative.IterSeek(iterator.Pointer, text, (nuint)key.Length);
        }

        Look(iterator.Pointer);
    }

    /// <summary>To the last key that is not greater than <paramref name="key"/>.</summary>
    public void SeekForPrev(ReadOnlySpan<byte> key)
    {
        using var iterator = _handle.Acquire();
        fixed (byte* text = key)
        {
            RocksNative.IterSeekForPrev(iterator.Pointer, text, (nuint)key.Length);
        }

        Look(iterator.Pointer);
    }

    /// <summary>To the next key.</summary>
    /// <exception cref="InvalidOperationException">It stands on no key.</exception>
    public void Next()
    {
        using var iterator = _handle.Acquire();
        ThrowUnlessValid(); // The engine does not check, and would follow a null pointer.
        RocksNative.IterNext(iterator.Pointer);
        Look(iterator.Pointer);
    }

    /// <summary>To the key before.</summary>
    /// <exception cref="InvalidOperationException">It stands on no key.</exception>
    public void Prev()
    {
        using var iterator = _handle.Acquire();
        ThrowUnlessValid();
        RocksNative.IterPrev(iterator.Pointer);
        Look(iterator.Pointer);
    }

    /// <summary>Throws the error that made the iterator stop, if one did.</summary>
    /// <exception cref="RocksDbException">A file could not be read, or is damaged.</exception>
    public void CheckStatus()
    {
        using var iterator = _handle.Acquire();
        byte* error = null;
        RocksNative.IterGetError(iterator.Pointer, &error);
        RocksDbErrors.ThrowIfError(error, _path);
    }

    /// <summary>Lets go of the state that it saw.</summary>
    public void Dispose() => _handle.Dispose();

    private void Look(nint iterator)
    {
        _key = null;
        if (RocksNative.IterValid(iterator) == 0)
        {
            return;
        }

        nuint length;
        _value = RocksNative.IterValue(iterator, &length);
        _valueLength = length;
        _key = RocksNative.IterKey(iterator, &length);
        _keyLength = length;
    }

    private void ThrowUnlessValid()
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        if (_key is null)
        {
            throw new InvalidOperationException("The iterator stands on no key.");
        }
    }
}

/// <summary>Owns an iterator; keeps its database open and the memory of its bounds allocated.</summary>
internal sealed class IteratorHandle : ChildHandle
{
    private readonly ReadOptionsHandle _options;

    public IteratorHandle(DbHandle db, ReadOptionsHandle options, ColumnFamily family)
        : base(db)
    {
        var added = false;
        options.DangerousAddRef(ref added);
        _options = options;
        SetHandle(RocksNative.CreateIteratorCf(
            db.DangerousGetHandle(), options.DangerousGetHandle(), family.Pointer));
    }

    protected override void Destroy()
    {
        RocksNative.IterDestroy(handle);
        _options.DangerousRelease();
    }
}
