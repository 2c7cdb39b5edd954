using System.Collections.Concurrent;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>The chunks that are in memory; others are loaded when they are asked for.</summary>
internal sealed class ChunkTable(StoreEngine engine, int cachedMax)
{
    private readonly ConcurrentDictionary<ulong, ChunkEntry> _entries = new();

    /// <summary>
    /// Held while a chunk is loaded or forgotten. What is not in the table is changed by nobody, so its rows stand
    /// still meanwhile.
    /// </summary>
    private readonly Lock _loading = new();

    /// <summary>A chunk that exists; null when there is none. For any thread.</summary>
    public ChunkEntry? Find(ChunkId chunk)
    {
        if (!_entries.TryGetValue(chunk.Value, out var entry))
        {
            lock (_loading)
            {
                if (!_entries.TryGetValue(chunk.Value, out entry))
                {
                    if (engine.Load(chunk) is not { } content)
                    {
                        return null;
                    }

                    entry = _entries.GetOrAdd(chunk.Value, new ChunkEntry(chunk, content));
                }
            }
        }

        entry.IsUsed = true;
        return entry;
    }

    /// <summary>A chunk, or a place for it. For the lane.</summary>
    public ChunkEntry FindOrAdd(ChunkId chunk)
    {
        if (Find(chunk) is { } found)
        {
            return found;
        }

        // Nobody but the lane makes chunks, so there still is none.
        var entry = new ChunkEntry(chunk, null);
        lock (_loading)
        {
            _entries[chunk.Value] = entry;
        }

        return entry;
    }

    /// <summary>A chunk if it is in memory. For any thread.</summary>
    public ChunkEntry? Peek(ChunkId chunk) => _entries.GetValueOrDefault(chunk.Value);

    /// <summary>Forgets chunks that were not used since the last call, when there are too many. For the lane.</summary>
    public void Trim()
    {
        if (_entries.Count <= cachedMax)
        {
            return;
        }

        lock (_loading)
        {
            foreach (var (id, entry) in _entries)
            {
                if (entry.IsUsed)
                {
                    entry.IsUsed = false;
                }
                else if (!entry.IsInGroup && entry.Next is null or { Open.IsEmpty: true, IsUnsynced: false })
                {
                    _entries.TryRemove(id, out _);
                }
            }
        }
    }

    /// <summary>Forgets chunks that were deleted. For the lane, after the commit.</summary>
    public void Forget(ChunkEntry entry)
    {
        if (entry.Next is null)
        {
            lock (_loading)
            {
                _entries.TryRemove(entry.Chunk.Value, out _);
            }
        }
    }

    /// <summary>All that are in memory. For the lane.</summary>
    public IEnumerable<ChunkEntry> All => _entries.Values;
}
