using DistFS.Metadata.Chunks;
using DistFS.Primitives;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Which chunks the entries touched that were applied, from the apply lane to the leader's planner. Closed it keeps
/// nothing; one that runs over, or whose state is replaced, says so, and the planner is made anew.
/// </summary>
internal sealed class ChunkFeed
{
    /// <summary>Chunks that wait, at most: some 64 MiB of them.</summary>
    internal const int ChunksMax = 1 << 20;

    private readonly Lock _gate = new();
    private readonly HashSet<ChunkId> _chunks = [];
    private readonly HashSet<ServerId> _garbage = [];
    private bool _isOpen;
    private bool _isLost;

    /// <summary>From here on everything is kept.</summary>
    public void Open()
    {
        lock (_gate)
        {
            Clear();
            (_isOpen, _isLost) = (true, false);
        }
    }

    /// <summary>Nobody plans here.</summary>
    public void Close()
    {
        lock (_gate)
        {
            Clear();
            _isOpen = false;
        }
    }

    /// <summary>Entries were applied, and can be read.</summary>
    public void Add(ChunkChanges changes)
    {
        lock (_gate)
        {
            if (!_isOpen || _isLost)
            {
                return;
            }

            _chunks.UnionWith(changes.Chunks);
            _garbage.UnionWith(changes.Garbage);
            if (_chunks.Count > ChunksMax)
            {
                Lose();
            }
        }
    }

    /// <summary>The state was replaced as a whole.</summary>
    public void Lose()
    {
        lock (_gate)
        {
            Clear();
            _isLost = true;
        }
    }

    /// <summary>Moves at most so many chunks, and all servers, out of it.</summary>
    /// <returns>False: something was lost since it was opened.</returns>
    public bool TryTake(int limit, List<ChunkId> chunks, List<ServerId> garbage)
    {
        lock (_gate)
        {
            foreach (var chunk in _chunks)
            {
                if (chunks.Count == limit)
                {
                    break;
                }

                chunks.Add(chunk);
            }

            _chunks.ExceptWith(chunks);
            garbage.AddRange(_garbage);
            _garbage.Clear();
            return !_isLost;
        }
    }

    private void Clear()
    {
        _chunks.Clear();
        _garbage.Clear();
    }
}
