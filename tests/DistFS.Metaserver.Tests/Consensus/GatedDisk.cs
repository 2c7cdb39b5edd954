using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>A folder in which calls can be held up, let through one by one, or made to fail.</summary>
internal sealed class GatedDisk(string folder) : IDisk
{
    private readonly PosixDisk _disk = new(folder);
    private readonly object _gate = new();
    private Gate? _held;
    private Gate? _failing;
    private int _steps;
    private int _logSyncs;
    private int _logWrites;
    private int _failed;
    private int _waiting;

    public string Name => _disk.Name;

    /// <summary>Syncs of the log's files so far.</summary>
    public int LogSyncs => Volatile.Read(ref _logSyncs);

    /// <summary>Writes to the log's files so far.</summary>
    public int LogWrites => Volatile.Read(ref _logWrites);

    /// <summary>Calls that failed so far.</summary>
    public int Failed => Volatile.Read(ref _failed);

    /// <summary>Whether a call is held up now.</summary>
    public bool IsHolding => Volatile.Read(ref _waiting) > 0;

    /// <summary>What the log's syncs report to, in the order of calls; null for nobody.</summary>
    public Action<string>? Trace { get; set; }

    /// <summary>Syncs of the log wait from now on.</summary>
    public void Hold() => Hold("sync", "log-");

    /// <summary>Such calls (create, read, write, sync) to files of such names wait from now on.</summary>
    public void Hold(string call, string prefix) => Set(new Gate(call, prefix), null);

    /// <summary>One of them goes on.</summary>
    public void Step()
    {
        lock (_gate)
        {
            _steps++;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>All go on, and none fails any more.</summary>
    public void Release() => Set(null, null);

    /// <summary>Syncs of the log fail from now on.</summary>
    public void Fail() => Fail("sync", "log-");

    /// <summary>Such calls fail from now on.</summary>
    public void Fail(string call, string prefix) => Set(null, new Gate(call, prefix));

    public IReadOnlyList<string> List() => _disk.List();

    public IDiskFile Open(string name) => new File(this, name, _disk.Open(name));

    public IDiskFile Create(string name)
    {
        Pass("create", name);
        return new File(this, name, _disk.Create(name));
    }

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void Delete(string name) => _disk.Delete(name);

    public void SyncFolder() => _disk.SyncFolder();

    public bool DiskFull(IOException error) => false;

    private void Set(Gate? held, Gate? failing)
    {
        lock (_gate)
        {
            (_held, _failing, _steps) = (held, failing, 0);
            Monitor.PulseAll(_gate);
        }
    }

    private void Pass(string call, string name)
    {
        lock (_gate)
        {
            if (_held?.Is(call, name) == true)
            {
                _waiting++;
                while (_held?.Is(call, name) == true && _steps == 0)
                {
                    Assert.True(Monitor.Wait(_gate, Eventually.Limit), "nobody released the disk");
                }

                _waiting--;
                _steps = Math.Max(0, _steps - 1);
            }

            if (_failing?.Is(call, name) == true)
            {
                _failed++;
                throw new IOException("The disk of the test fails.");
            }
        }
    }

    private sealed record Gate(string Call, string Prefix)
    {
        public bool Is(string call, string name) => call == Call && name.StartsWith(Prefix, StringComparison.Ordinal);
    }

    private sealed class File(GatedDisk disk, string name, IDiskFile file) : IDiskFile
    {
        private readonly bool _isLog = name.StartsWith("log-", StringComparison.Ordinal);

        // A snapshot is made under another name than it is read by.
        private string ReadName => name == "snapshot.tmp" ? "snap-" : name;

        public long Length => file.Length;

        public int Read(long offset, Span<byte> destination)
        {
            disk.Pass("read", ReadName);
            return file.Read(offset, destination);
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            disk.Pass("write", name);
            if (_isLog)
            {
                Interlocked.Increment(ref disk._logWrites);
            }

            file.Write(offset, source);
        }

        public void Preallocate(long length) => file.Preallocate(length);

        public void Truncate(long length) => file.Truncate(length);

        public void Sync()
        {
            disk.Pass("sync", name);
            file.Sync();
            if (_isLog)
            {
                Interlocked.Increment(ref disk._logSyncs);
                disk.Trace?.Invoke("sync");
            }
        }

        public void Dispose() => file.Dispose();
    }
}
