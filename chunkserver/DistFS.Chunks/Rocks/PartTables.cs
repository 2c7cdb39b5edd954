using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Chunks;

/// <summary>The tables of parts whose files are held open to be read past the engine. For any thread.</summary>
/// <param name="files">Where parts lie that were not made in this run.</param>
/// <param name="openMax">Files that are held open at most, each with 4 KiB of memory.</param>
internal sealed class PartTables(PartFiles files, int openMax) : IDisposable
{
    private readonly ConcurrentDictionary<ulong, Entry> _entries = [];
    private long _uses;

    /// <summary>Held open. For tests.</summary>
    internal int Count => _entries.Count;

    /// <summary>
    /// A part that is about to be ingested, by the name that it has before: the engine links the file to another, so
    /// this descriptor is of the same one, and nobody has to ask which.
    /// </summary>
    public void Made(ulong part, string path)
    {
        if (TryOpen(path) is { } file)
        {
            Add(part, new Entry(file));
        }
    }

    /// <summary>The table of a part; null: none, or none that is understood. The engine has the blocks.</summary>
    public PartTable? Find(ulong part)
    {
        if (!_entries.TryGetValue(part, out var entry))
        {
            if (!OperatingSystem.IsLinux() || files.Find(part) is not { } path || TryOpen(path) is not { } file)
            {
                return null;
            }

            entry = Add(part, new Entry(file));
        }

        entry.Use = Interlocked.Increment(ref _uses);
        return entry.Table;
    }

    /// <summary>The part is dropped: its space comes back when nobody has its file open.</summary>
    public void Drop(ulong part)
    {
        if (_entries.TryRemove(part, out var entry))
        {
            entry.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in _entries.Keys)
        {
            Drop(part);
        }
    }

    private Entry Add(ulong part, Entry entry)
    {
        entry.Use = Interlocked.Increment(ref _uses);
        var kept = _entries.GetOrAdd(part, entry);
        if (kept != entry)
        {
            entry.Dispose();
            return kept;
        }

        while (_entries.Count > openMax)
        {
            Drop(_entries.MinBy(static pair => pair.Value.Use).Key);
        }

        return kept;
    }

    private static SafeFileHandle? TryOpen(string path)
    {
        try
        {
            return File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Dropped meanwhile, or no descriptor is left; if it is the disk, the engine finds out.
            return null;
        }
    }

    /// <summary>An open file, and its table once somebody has asked for it.</summary>
    private sealed class Entry(SafeFileHandle file) : IDisposable
    {
        private readonly Lock _gate = new();
        private bool _isRead;
        private PartTable? _table;

        /// <summary>When it was used last, by the count of all uses.</summary>
        public long Use { get; set; }

        public PartTable? Table
        {
            get
            {
                if (Volatile.Read(ref _isRead))
                {
                    return _table;
                }

                lock (_gate)
                {
                    if (!_isRead)
                    {
                        _table = TryRead();
                        Volatile.Write(ref _isRead, true);
                    }

                    return _table;
                }
            }
        }

        public void Dispose() => file.Dispose();

        private PartTable? TryRead()
        {
            try
            {
                return PartTable.Read(file);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // As if it were not understood: whoever asks the engine finds out what is wrong.
                return null;
            }
        }
    }
}
