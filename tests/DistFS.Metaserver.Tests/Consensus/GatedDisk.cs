using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>A folder whose syncs of the log are counted, and can be held up or made to fail.</summary>
internal sealed class GatedDisk(string folder) : IDisk
{
    private readonly PosixDisk _disk = new(folder);
    private readonly object _gate = new();
    private bool _isHeld;
    private bool _fails;
    private int _logSyncs;
    private int _waiting;

    public string Name => _disk.Name;

    /// <summary>Syncs of the log's files so far.</summary>
    public int LogSyncs => Volatile.Read(ref _logSyncs);

    /// <summary>Whether a sync of the log is held up now.</summary>
    public bool IsHolding => Volatile.Read(ref _waiting) > 0;

    /// <summary>What the log's syncs report to, in the order of calls; null for nobody.</summary>
    public Action<string>? Trace { get; set; }

    /// <summary>Syncs of the log wait from now on.</summary>
    public void Hold() => Set(isHeld: true, _fails);

    /// <summary>They go on.</summary>
    public void Release() => Set(isHeld: false, _fails);

    /// <summary>They fail from now on.</summary>
    public void Fail() => Set(isHeld: false, fails: true);

    public IReadOnlyList<string> List() => _disk.List();

    public IDiskFile Open(string name) => new File(this, name, _disk.Open(name));

    public IDiskFile Create(string name) => new File(this, name, _disk.Create(name));

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void Delete(string name) => _disk.Delete(name);

    public void SyncFolder() => _disk.SyncFolder();

    public bool DiskFull(IOException error) => false;

    private void Set(bool isHeld, bool fails)
    {
        lock (_gate)
        {
            (_isHeld, _fails) = (isHeld, fails);
            Monitor.PulseAll(_gate);
        }
    }

    private void Pass()
    {
        lock (_gate)
        {
            _waiting++;
            while (_isHeld)
            {
                Assert.True(Monitor.Wait(_gate, Eventually.Limit), "nobody released the disk");
            }

            _waiting--;
            if (_fails)
            {
                throw new IOException("The disk of the test fails.");
            }

            _logSyncs++;
        }
    }

    private sealed class File(GatedDisk disk, string name, IDiskFile file) : IDiskFile
    {
        private readonly bool _isLog = name.StartsWith("log-", StringComparison.Ordinal);

        public long Length => file.Length;

        public int Read(long offset, Span<byte> destination) => file.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source) => file.Write(offset, source);

        public void Preallocate(long length) => file.Preallocate(length);

        public void Truncate(long length) => file.Truncate(length);

        public void Sync()
        {
            if (_isLog)
            {
                disk.Pass();
            }

            file.Sync();
            if (_isLog)
            {
                disk.Trace?.Invoke("sync");
            }
        }

        public void Dispose() => file.Dispose();
    }
}
