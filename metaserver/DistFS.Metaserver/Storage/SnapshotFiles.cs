using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// The snapshots of a store: the newest, and the one before it for those who still read it.
/// </summary>
internal sealed class SnapshotFiles : IDisposable
{
    private readonly StoreDisk _disk;

    /// <summary>Guards the two files below. Never held over IO.</summary>
    private readonly Lock _gate = new();
    private SnapshotFile? _newest;
    private SnapshotFile? _retired;
    private bool _isWriting;

    private SnapshotFiles(StoreDisk disk) => _disk = disk;

    /// <summary>The newest snapshot, or null.</summary>
    public SnapshotMeta? Newest
    {
        get
        {
            lock (_gate)
            {
                return _newest?.Meta;
            }
        }
    }

    /// <summary>Finds the newest whole snapshot and removes all others that have names of ours.</summary>
    /// <exception cref="StoreRefusedException">
    /// There is none although the log needs one, or one has a format that is not known here.
    /// </exception>
    public static SnapshotFiles Open(StoreDisk disk, EntryId compacted, List<string> findings)
    {
        var files = new SnapshotFiles(disk);
        try
        {
            files.Find(compacted, findings);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public SnapshotWriter Begin(ulong id, EntryId last, RaftConfiguration configuration)
    {
        if (_isWriting)
        {
            throw new InvalidOperationException("A snapshot is being written: commit it or dispose of it first.");
        }

        var file = _disk.CreateScratch(StoreFiles.NewSnapshot);
        _isWriting = true;
        return new SnapshotWriter(this, file, new SnapshotMeta
        {
            Id = id,
            Last = last,
            Configuration = configuration,
            SizeBytes = 0,
            Checksum = 0,
        });
    }

    /// <summary>Whether a snapshot that is on disk under its first name becomes the newest.</summary>
    public bool Commit(StoreFile file, SnapshotMeta meta, uint[] crcs)
    {
        if (Newest?.Last.Index >= meta.Last.Index)
        {
            Abandon(file);
            return false;
        }

        Adopt(StoreFiles.NewSnapshot, file, meta, crcs);
        _isWriting = false;
        return true;
    }

    public void Abandon(StoreFile file)
    {
        _isWriting = false;
        file.Dispose();
        if (!_disk.HasFailed)
        {
            _disk.Delete(StoreFiles.NewSnapshot);
        }
    }

    /// <summary>Gives a snapshot that is on disk its name: from then on it is the newest.</summary>
    public void Adopt(string from, StoreFile file, SnapshotMeta meta, uint[] crcs)
    {
        var name = SnapshotFile.NameOf(meta);
        _disk.Rename(from, name);
        _disk.SyncFolder();
        SnapshotFile? gone;
        lock (_gate)
        {
            gone = _retired;
            _retired = _newest;
            _newest = new SnapshotFile(file, name, meta, crcs);
        }

        if (gone != null)
        {
            _disk.Delete(gone.Name);
            gone.Dispose();
        }
    }

    /// <exception cref="SnapshotGoneException">It is neither the newest nor the one before.</exception>
    public byte[] ReadPiece(ulong id, long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        using var file = Use(id);
        var bytes = new byte[Math.Clamp(file.Meta.SizeBytes - offset, 0, length)];
        file.Read(offset, bytes);
        return bytes;
    }

    public Stream OpenNewest()
    {
        lock (_gate)
        {
            if (_newest == null)
            {
                throw new InvalidOperationException("The store has no snapshot.");
            }

            _newest.Use();
            return new SnapshotStream(_newest);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _newest?.Dispose();
            _retired?.Dispose();
            (_newest, _retired) = (null, null);
        }
    }

    private void Find(EntryId compacted, List<string> findings)
    {
        var others = new List<string>();
        var notes = new List<string>();
        foreach (var name in _disk.List())
        {
            if (!name.StartsWith(StoreFiles.SnapshotPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            if (!SnapshotFile.IsName(name))
            {
                notes.Add($"{name} is no name that DistFS gives, and is left alone. Rename it back, or move it out.");
            }
            else if (SnapshotFile.TryOpen(_disk, name) is not { } file)
            {
                notes.Add($"{name} is damaged, and is removed.");
                others.Add(name);
            }
            else if (SnapshotFile.NameOf(file.Meta) != name)
            {
                notes.Add($"{name} was renamed from {SnapshotFile.NameOf(file.Meta)}, and is left alone. Rename it "
                    + "back, or move it out.");
                file.Dispose();
            }
            else if (file.Meta.Last.Index > _newest?.Meta.Last.Index || _newest == null)
            {
                others.AddRange(_newest == null ? [] : [_newest.Name]);
                _newest?.Dispose();
                _newest = file;
            }
            else
            {
                others.Add(name);
                file.Dispose();
            }
        }

        if (compacted.Index.Value > 0 && !(_newest?.Meta.Last.Index >= compacted.Index))
        {
            throw new StoreRefusedException(
                ErrorCatalog.SnapshotCorrupt,
                $"{_disk.Name}: the log starts after {compacted}, but no whole snapshot holds what was before. "
                + $"Remove this member from the cluster and add a new one. {string.Join(' ', notes)}");
        }

        others.ForEach(_disk.Delete);
        findings.AddRange(notes);
    }

    private SnapshotFile Use(ulong id)
    {
        lock (_gate)
        {
            var file = _newest?.Meta.Id == id ? _newest : _retired?.Meta.Id == id ? _retired : null;
            file?.Use();
            return file ?? throw new SnapshotGoneException(id);
        }
    }
}
