namespace DistFS.Native.RocksDb;

/// <summary>
/// Writes a sorted table file outside of any database, to be taken in whole by
/// <see cref="RocksDb.IngestExternalFiles"/>: each byte is written once, by no log and no compaction. Keys ascend
/// strictly. May be opened again after <see cref="Finish"/>. For one thread at a time.
/// </summary>
public sealed unsafe class SstFileWriter : IDisposable
{
    private readonly SstFileWriterHandle _handle;
    private string _path = string.Empty;
    private bool _open;

    /// <summary>Creates a writer.</summary>
    /// <param name="options">Those of the family that will take the files: compression, block size and filter.</param>
    /// <exception cref="NativeLibraryMissingException">librocksdb is not installed.</exception>
    public SstFileWriter(ColumnFamilyOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        NativeLibraries.RocksDb.Require();
        _handle = new SstFileWriterHandle(OptionsBuilder.Build(options));
    }

    /// <summary>The bytes written to the file so far; what is buffered for the current block is not counted.</summary>
    public long FileBytes
    {
        get
        {
            using var writer = _handle.Acquire();
            ulong size;
            RocksNative.SstFileWriterFileSize(writer.Pointer, &size);
            return checked((long)size);
        }
    }

    /// <summary>Creates the file.</summary>
    /// <param name="path">The file; one that exists is replaced.</param>
    /// <exception cref="InvalidOperationException">A file is open.</exception>
    /// <exception cref="StoreIoException">The file cannot be created.</exception>
    public void Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (_open)
        {
            throw new InvalidOperationException($"'{_path}' is not finished.");
        }

        using var writer = _handle.Acquire();
        byte* error = null;
        fixed (byte* name = OptionsBuilder.ToText(path))
        {
            RocksNative.SstFileWriterOpen(writer.Pointer, name, &error);
        }

        RocksDbErrors.ThrowIfError(error, path);
        _path = path;
        _open = true;
    }

    /// <summary>Adds a value.</summary>
    /// <exception cref="StoreRefusedException">The key does not follow the last one.</exception>
    /// <exception cref="StoreFullException">The disk is full.</exception>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        using var writer = Enter();
        byte* error = null;
        fixed (byte* keyText = key)
        fixed (byte* valueText = value)
        {
            RocksNative.SstFileWriterPut(
                writer.Pointer, keyText, (nuint)key.Length, valueText, (nuint)value.Length, &error);
        }

        RocksDbErrors.ThrowIfError(error, _path);
    }

    /// <summary>Adds the deletion of a key, which hides it in the database that takes the file.</summary>
    /// <exception cref="StoreRefusedException">The key does not follow the last one.</exception>
    public void Delete(ReadOnlySpan<byte> key)
    {
        using var writer = Enter();
        byte* error = null;
        fixed (byte* text = key)
        {
            RocksNative.SstFileWriterDelete(writer.Pointer, text, (nuint)key.Length, &error);
        }

        RocksDbErrors.ThrowIfError(error, _path);
    }

    /// <summary>
    /// Adds the deletion of what the database has from <paramref name="start"/> to before <paramref name="end"/>.
    /// Keys of this file are not affected, and ranges may be added in any order.
    /// </summary>
    public void DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        using var writer = Enter();
        byte* error = null;
        fixed (byte* startText = start)
        fixed (byte* endText = end)
        {
            RocksNative.SstFileWriterDeleteRange(
                writer.Pointer, startText, (nuint)start.Length, endText, (nuint)end.Length, &error);
        }

        RocksDbErrors.ThrowIfError(error, _path);
    }

    /// <summary>Completes the file, and has it on disk (fsync). The directory entry is the caller's to sync.</summary>
    /// <returns>The file's length.</returns>
    /// <exception cref="StoreRefusedException">Nothing was added.</exception>
    /// <exception cref="StoreFullException">The disk is full; the file is not usable.</exception>
    public long Finish()
    {
        using var writer = Enter();
        _open = false;
        byte* error = null;
        RocksNative.SstFileWriterFinish(writer.Pointer, &error);
        RocksDbErrors.ThrowIfError(error, _path);
        return FileBytes;
    }

    /// <summary>Closes it. An unfinished file stays behind, incomplete; it can never be ingested.</summary>
    public void Dispose() => _handle.Dispose();

    private Lease Enter()
    {
        var lease = _handle.Acquire();
        if (!_open)
        {
            lease.Dispose();
            throw new InvalidOperationException("No file is open.");
        }

        return lease;
    }
}

/// <summary>Owns a writer and the options that it refers to.</summary>
internal sealed class SstFileWriterHandle : RocksHandle
{
    private readonly OptionsHandle _options;
    private readonly nint _environment;

    public SstFileWriterHandle(OptionsHandle options)
    {
        _options = options;
        _environment = RocksNative.EnvOptionsCreate();
        SetHandle(RocksNative.SstFileWriterCreate(_environment, options.DangerousGetHandle()));
    }

    protected override bool ReleaseHandle()
    {
        RocksNative.SstFileWriterDestroy(handle);
        RocksNative.EnvOptionsDestroy(_environment);
        _options.Dispose();
        return true;
    }
}
