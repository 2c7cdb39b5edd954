using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// The disk of a store, which ends at the first failed change: what is on the disk then is not known, so nothing more
/// may be promised (Rebello et al., "Can Applications Recover from fsync Failures?", 2020). Errors become typed here.
/// </summary>
internal sealed class StoreDisk(IDisk disk)
{
    /// <summary>Once set, never cleared: every later change is refused with it.</summary>
    private volatile StoreFailedException? _failure;

    public string Name => disk.Name;

    /// <summary>Whether a change failed.</summary>
    public bool HasFailed => _failure != null;

    public IReadOnlyList<string> List() => Read(disk, static disk => disk.List(), "list the folder");

    /// <summary>The file, or null if there is none; see <see cref="CreateScratch"/>.</summary>
    public StoreFile? TryOpen(string name, bool isScratch = false)
    {
        try
        {
            return new StoreFile(this, name, disk.Open(name), isScratch);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (IOException error)
        {
            throw CannotRead(error, $"open {name}");
        }
    }

    /// <summary>The file, which must be there.</summary>
    public StoreFile Open(string name) =>
        TryOpen(name) ?? throw CannotRead(new FileNotFoundException("It is gone."), $"open {name}");

    public StoreFile Create(string name)
    {
        ThrowIfFailed();
        try
        {
            return new StoreFile(this, name, disk.Create(name));
        }
        catch (IOException error)
        {
            throw Fail(error, $"create {name}");
        }
    }

    /// <summary>
    /// A file on which nothing rests before it gets another name: if it cannot be written it is given up, by closing
    /// and deleting it, and the store goes on.
    /// </summary>
    /// <exception cref="SnapshotFailedException">The disk failed or is full. So say its changes too.</exception>
    public StoreFile CreateScratch(string name)
    {
        ThrowIfFailed();
        try
        {
            return new StoreFile(this, name, disk.Create(name), isScratch: true);
        }
        catch (IOException error)
        {
            throw GiveUp(error, $"create {name}");
        }
    }

    public void Rename(string from, string to)
    {
        ThrowIfFailed();
        try
        {
            disk.Rename(from, to);
        }
        catch (IOException error)
        {
            throw Fail(error, $"rename {from} to {to}");
        }
    }

    public void Delete(string name)
    {
        ThrowIfFailed();
        try
        {
            disk.Delete(name);
        }
        catch (IOException error)
        {
            throw Fail(error, $"delete {name}");
        }
    }

    public void SyncFolder()
    {
        ThrowIfFailed();
        if (Teeth.Has(PlantedBug.FolderNotSynced))
        {
            return;
        }

        try
        {
            disk.SyncFolder();
        }
        catch (IOException error)
        {
            throw Fail(error, "sync the folder");
        }
    }

    /// <summary>
    /// Replaces a file, or makes it, in one durable step: also after a crash it has all old bytes or all new ones.
    /// </summary>
    public void Replace(string name, Action<StoreFile> write, bool isScratch = false)
    {
        var temporary = name + StoreFiles.TemporarySuffix;
        using (var file = isScratch ? CreateScratch(temporary) : Create(temporary))
        {
            write(file);
            file.Sync();
        }

        Rename(temporary, name);
        SyncFolder();
    }

    /// <summary>Refuses everything after a failure.</summary>
    public void ThrowIfFailed()
    {
        if (_failure is { } failure)
        {
            throw new StoreFailedException(
                failure.Code, $"The store stopped after a failure and must be reopened: {failure.Message}", failure);
        }
    }

    /// <summary>Ends the store: a change failed half-way.</summary>
    public StoreFailedException Fail(IOException error, string what)
    {
        var isFull = disk.DiskFull(error);
        var failure = new StoreFailedException(
            isFull ? ErrorCatalog.DiskFull : ErrorCatalog.DiskFailed,
            $"{Name}: cannot {what}: {error.Message} "
                + (isFull ? "Free space and start again." : "Check the disk and start again."),
            error);
        _failure ??= failure;
        return failure;
    }

    /// <summary>Ends the store: a change was left half-way, whatever it was that ended it.</summary>
    public void Fail(Exception error) => _failure ??= error as StoreFailedException ?? new StoreFailedException(
        ErrorCatalog.DiskFailed, $"{Name}: a change ended half-way: {error.Message} Start again.", error);

    /// <summary>A file that nothing rests on failed.</summary>
    public SnapshotFailedException GiveUp(IOException error, string what)
    {
        var isFull = disk.DiskFull(error);
        return new SnapshotFailedException(
            isFull ? ErrorCatalog.DiskFull : ErrorCatalog.DiskFailed,
            $"{Name}: cannot {what}: {error.Message} The snapshot is given up and tried again later. "
                + (isFull ? "Free space." : "Check the disk."),
            error);
    }

    /// <summary>An error that changed nothing.</summary>
    public StoreFailedException CannotRead(IOException error, string what) => new(
        ErrorCatalog.DiskFailed, $"{Name}: cannot {what}: {error.Message} Check the disk and start again. If it stays "
            + "so, replace the disk: remove this member from the cluster and add a new one.", error);

    private T Read<TState, T>(TState state, Func<TState, T> read, string what)
    {
        try
        {
            return read(state);
        }
        catch (IOException error)
        {
            throw CannotRead(error, what);
        }
    }
}

/// <summary>A file of a <see cref="StoreDisk"/>.</summary>
internal sealed class StoreFile(StoreDisk disk, string name, IDiskFile file, bool isScratch = false) : IDisposable
{
    /// <summary>The first failed change of a file that nothing rests on: what it holds is not known, and it is never
    /// written again.</summary>
    private SnapshotFailedException? _failure;

    /// <summary>How often a read that failed is tried again.</summary>
    public const int ReadRetries = 3;

    public string Name => name;

    public long Length
    {
        get
        {
            try
            {
                return file.Length;
            }
            catch (IOException error)
            {
                throw disk.CannotRead(error, $"read {name}");
            }
        }
    }

    /// <summary>Reads at most that many bytes; fewer only at the end of the file.</summary>
    /// <remarks>A hiccup of a controller is over at the next try. An error that stays is never taken for damaged
    /// bytes: they may be good, and then cutting them off would break promises.</remarks>
    public int Read(long offset, Span<byte> destination)
    {
        for (var retries = ReadRetries; ; retries--)
        {
            try
            {
                return file.Read(offset, destination);
            }
            catch (IOException) when (retries > 0)
            {
                continue;
            }
            catch (IOException error)
            {
                throw disk.CannotRead(error, $"read {name} at {offset}");
            }
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        ThrowIfFailed();
        try
        {
            file.Write(offset, source);
        }
        catch (IOException error)
        {
            throw Failed(error, $"write {name} at {offset}");
        }
    }

    public void Preallocate(long length)
    {
        ThrowIfFailed();
        try
        {
            file.Preallocate(length);
        }
        catch (IOException error)
        {
            throw Failed(error, $"take {length} bytes for {name}");
        }
    }

    public void Truncate(long length)
    {
        ThrowIfFailed();
        try
        {
            file.Truncate(length);
        }
        catch (IOException error)
        {
            throw Failed(error, $"cut off {name}");
        }
    }

    public void Sync()
    {
        ThrowIfFailed();
        try
        {
            file.Sync();
        }
        catch (IOException error)
        {
            if (!Teeth.Has(PlantedBug.FsyncErrorIgnored))
            {
                throw Failed(error, $"sync {name}");
            }
        }
    }

    public void Dispose() => file.Dispose();

    private void ThrowIfFailed()
    {
        disk.ThrowIfFailed();
        if (_failure is { } failure)
        {
            throw new SnapshotFailedException(failure.Code, failure.Message, failure);
        }
    }

    private StoreFailedException Failed(IOException error, string what) =>
        isScratch ? _failure = disk.GiveUp(error, what) : disk.Fail(error, what);
}
