namespace DistFS.Native.RocksDb;

/// <summary>
/// Owns an open database with everything that must not outlive it. The engine crashes when it is closed under a running
/// call, an iterator, a snapshot or a pinned value; each of them therefore holds a reference here, and the database is
/// closed when the last one goes, whatever was disposed first.
/// </summary>
internal sealed unsafe class DbHandle : RocksHandle
{
    private readonly Lock _gate = new();
    private readonly List<nint> _families = [];
    private readonly ReadOptionsHandle _defaultReadOptions = new(ReadSettings.Default);
    private readonly WriteOptionsHandle[] _writeOptions = [.. WriteSettings.All.Select(CreateWriteOptions)];
    private readonly FlushOptionsHandle _flushAndWait = CreateFlushOptions(wait: true);
    private readonly FlushOptionsHandle _flushInBackground = CreateFlushOptions(wait: false);

    public DbHandle(string path) => Path = path;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Read options without snapshot or bounds. Valid as long as a reference on this is held.</summary>
    public ReadOptionsHandle DefaultReadOptions => _defaultReadOptions;

    /// <summary>Takes over an open database.</summary>
    public void Adopt(nint db) => SetHandle(db);

    /// <summary>Takes over a column family's handle, which stays valid until the database closes.</summary>
    public void Own(nint family)
    {
        lock (_gate)
        {
            _families.Add(family);
        }
    }

    public nint WriteOptions(WriteSettings settings) => _writeOptions[settings.Index].DangerousGetHandle();

    public nint FlushOptions(bool wait) => (wait ? _flushAndWait : _flushInBackground).DangerousGetHandle();

    /// <summary>Frees what was made for a database that then could not be opened.</summary>
    public void Abandon()
    {
        DisposeOptions();
        SetHandleAsInvalid();
    }

    protected override bool ReleaseHandle()
    {
        // Nobody holds a reference any more, so nobody is inside. Families go before the database (c.h, rocksdb_close).
        foreach (var family in _families)
        {
            RocksNative.ColumnFamilyHandleDestroy(family);
        }

        RocksNative.Close(handle);
        DisposeOptions();
        return true;
    }

    private static WriteOptionsHandle CreateWriteOptions(WriteSettings settings)
    {
        var options = new WriteOptionsHandle();
        RocksNative.WriteOptionsSetSync(options.DangerousGetHandle(), settings.Sync ? (byte)1 : (byte)0);
        RocksNative.WriteOptionsDisableWal(options.DangerousGetHandle(), settings.DisableWal ? 1 : 0);
        return options;
    }

    private static FlushOptionsHandle CreateFlushOptions(bool wait)
    {
        var options = new FlushOptionsHandle();
        RocksNative.FlushOptionsSetWait(options.DangerousGetHandle(), wait ? (byte)1 : (byte)0);
        return options;
    }

    private void DisposeOptions()
    {
        _defaultReadOptions.Dispose();
        _flushAndWait.Dispose();
        _flushInBackground.Dispose();
        foreach (var options in _writeOptions)
        {
            options.Dispose();
        }
    }
}
