using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <summary>What of the unsynced a crash leaves.</summary>
internal enum CrashMode
{
    /// <summary>Nothing: the power failed.</summary>
    LoseAll,

    /// <summary>Everything: only the process died.</summary>
    KeepAll,

    /// <summary>Each name and each sector by chance: old, new, or torn in the middle.</summary>
    Torn,

    /// <summary>No name, and of each sector the first bytes: the worst for what is written over in place.</summary>
    EachTorn,
}

/// <summary>The process or the machine dies here; not an error that a store may handle.</summary>
internal sealed class CrashedException : Exception;

/// <summary>The disk is full.</summary>
internal sealed class FullException() : IOException("No space left on device.");

/// <summary>A folder in memory that fails or crashes at a chosen step, and forgets what was not synced.</summary>
internal sealed class FaultyDisk : IDisk
{
    private readonly SortedDictionary<string, Inode> _names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Inode> _durable = new(StringComparer.Ordinal);
    private readonly List<Action> _unsynced = [];

    public string Name => "/faulty";

    /// <summary>Changes so far: writes, syncs, creations, renames, deletions, cuts and takings of space.</summary>
    public int Steps { get; private set; }

    public int FileSyncs { get; private set; }

    public int FolderSyncs { get; private set; }

    /// <summary>What the step of that number throws.</summary>
    public (int Step, Func<Exception> Error)? FailAt { get; set; }

    /// <summary>Offsets in files that cannot be read; asked at each read.</summary>
    public Func<string, long, int, bool> Unreadable { get; set; } = (_, _, _) => false;

    /// <summary>Whether the folder cannot be listed.</summary>
    public bool IsUnlistable { get; set; }

    public IReadOnlyList<string> List() =>
        IsUnlistable ? throw new IOException("Input/output error.") : [.. _names.Keys];

    public IDiskFile Open(string name) =>
        _names.TryGetValue(name, out var inode) ? new File(this, name, inode) : throw new FileNotFoundException(name);

    public IDiskFile Create(string name)
    {
        var inode = new Inode();
        _names[name] = inode;
        _unsynced.Add(() => _durable[name] = inode);
        Step();
        return new File(this, name, inode);
    }

    public void Rename(string from, string to)
    {
        if (!_names.Remove(from, out var inode))
        {
            throw new FileNotFoundException(from);
        }

        _names[to] = inode;
        _unsynced.Add(() =>
        {
            RemoveDurable(from, inode);
            _durable[to] = inode;
        });
        Step();
    }

    public void Delete(string name)
    {
        if (_names.Remove(name, out var inode))
        {
            _unsynced.Add(() => RemoveDurable(name, inode));
        }

        Step();
    }

    public void SyncFolder()
    {
        Step();
        FolderSyncs++;
        _unsynced.ForEach(change => change());
        _unsynced.Clear();
    }

    public bool DiskFull(IOException error) => error is FullException;

    public void CrashAt(int step) => FailAt = (step, () => new CrashedException());

    /// <summary>What is there after a crash now.</summary>
    public FaultyDisk AfterCrash(CrashMode mode, ulong seed)
    {
        var prng = new Prng(seed);
        var after = new FaultyDisk();
        foreach (var change in _unsynced)
        {
            if (mode == CrashMode.KeepAll || (mode == CrashMode.Torn && prng.Chance(0.5)))
            {
                change();
            }
        }

        foreach (var (name, inode) in _durable)
        {
            after.Put(name, inode.AfterCrash(mode, prng));
        }

        return after;
    }

    public FaultyDisk Copy()
    {
        var copy = new FaultyDisk();
        foreach (var (name, inode) in _names)
        {
            copy.Put(name, [.. inode.Bytes]);
        }

        return copy;
    }

    public byte[] Bytes(string name) => _names[name].Bytes;

    public void Put(string name, byte[] bytes) => _names[name] = _durable[name] = new Inode(bytes);

    public void Remove(string name)
    {
        _names.Remove(name);
        _durable.Remove(name);
    }

    private void RemoveDurable(string name, Inode inode)
    {
        if (_durable.TryGetValue(name, out var there) && ReferenceEquals(there, inode))
        {
            _durable.Remove(name);
        }
    }

    private void Step()
    {
        Steps++;
        if (FailAt is { } fail && fail.Step == Steps)
        {
            throw fail.Error();
        }
    }

    private sealed class Inode(byte[] bytes)
    {
        private const int SectorBytes = 512;
        private readonly HashSet<int> _dirty = [];
        private byte[] _durable = [.. bytes];

        public Inode()
            : this([])
        {
        }

        public byte[] Bytes { get; private set; } = bytes;

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            Resize((int)Math.Max(Bytes.Length, offset + source.Length));
            source.CopyTo(Bytes.AsSpan((int)offset));
            MarkDirty((int)offset, (int)offset + source.Length);
        }

        public void Resize(int length)
        {
            if (length != Bytes.Length)
            {
                // A file that grows gets no bytes: the sector of its old end is not written for it.
                MarkDirty(length, Bytes.Length);
                var resized = Bytes;
                Array.Resize(ref resized, length);
                Bytes = resized;
            }
        }

        public void Sync()
        {
            Array.Resize(ref _durable, Bytes.Length);
            foreach (var sector in _dirty)
            {
                var start = sector * SectorBytes;
                var count = Math.Clamp(Bytes.Length - start, 0, SectorBytes);
                Bytes.AsSpan(Math.Min(start, Bytes.Length), count).CopyTo(
                    _durable.AsSpan(Math.Min(start, Bytes.Length)));
            }

            _dirty.Clear();
        }

        /// <summary>Nothing was stored, and what was written is shown and called clean: no later sync stores it
        /// (Rebello et al., "Can Applications Recover from fsync Failures?").</summary>
        public void FailSync() => _dirty.Clear();

        public byte[] AfterCrash(CrashMode mode, Prng prng)
        {
            if (mode == CrashMode.EachTorn)
            {
                return TearEach();
            }

            if (mode != CrashMode.Torn)
            {
                return mode == CrashMode.KeepAll ? [.. Bytes] : [.. _durable];
            }

            var after = new byte[prng.Chance(0.5) ? Bytes.Length : _durable.Length];
            _durable.AsSpan(0, Math.Min(after.Length, _durable.Length)).CopyTo(after);
            foreach (var sector in _dirty.Order())
            {
                var start = sector * SectorBytes;
                var end = Math.Min(start + SectorBytes, after.Length);
                var (from, to) = prng.NextInt32(4) switch
                {
                    0 => (start, start),
                    1 => (start, start + prng.NextInt32(SectorBytes)),
                    2 => (start + prng.NextInt32(SectorBytes), end),
                    _ => (start, end),
                };
                for (var i = from; i < Math.Min(to, end); i++)
                {
                    after[i] = i < Bytes.Length ? Bytes[i] : (byte)0;
                }
            }

            return after;
        }

        private byte[] TearEach()
        {
            const int FirstBytes = 40;
            byte[] after = [.. _durable];
            foreach (var start in _dirty.Select(sector => sector * SectorBytes))
            {
                for (var i = start; i < Math.Min(start + FirstBytes, Math.Min(after.Length, Bytes.Length)); i++)
                {
                    after[i] = Bytes[i];
                }
            }

            return after;
        }

        private void MarkDirty(int from, int to)
        {
            for (var sector = from / SectorBytes; sector * SectorBytes < to; sector++)
            {
                _dirty.Add(sector);
            }
        }
    }

    private sealed class File(FaultyDisk disk, string name, Inode inode) : IDiskFile
    {
        public long Length => inode.Bytes.Length;

        public int Read(long offset, Span<byte> destination)
        {
            var count = (int)Math.Clamp(inode.Bytes.Length - offset, 0, destination.Length);
            if (disk.Unreadable(name, offset, count))
            {
                throw new IOException("Input/output error.");
            }

            inode.Bytes.AsSpan((int)Math.Min(offset, inode.Bytes.Length), count).CopyTo(destination);
            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            inode.Write(offset, source);
            disk.Step();
        }

        public void Preallocate(long length)
        {
            inode.Resize((int)Math.Max(length, Length));
            disk.Step();
        }

        public void Truncate(long length)
        {
            inode.Resize((int)length);
            disk.Step();
        }

        public void Sync()
        {
            try
            {
                disk.Step();
            }
            catch (IOException)
            {
                inode.FailSync();
                throw;
            }

            disk.FileSyncs++;
            inode.Sync();
        }

        public void Dispose()
        {
            // Memory.
        }
    }
}
