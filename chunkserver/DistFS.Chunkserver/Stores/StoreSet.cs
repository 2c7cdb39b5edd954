using System.Collections.Concurrent;
using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Stores;

/// <summary>
/// The stores of a server as one: which has a chunk, where a new one goes, what they have together. A store that failed
/// is left out from then on, with all that it had. Any thread.
/// </summary>
internal sealed class StoreSet : IChunkStores, IStoreWatcher
{
    private const int ListBatch = 1_024;

    private readonly Lock _gate = new();

    // Where each chunk is. Null for a server with one store, which needs none of that memory.
    private readonly ConcurrentDictionary<ulong, IChunkStore>? _places;

    // Which losses were counted: one is found as often as somebody asks for the copy.
    private readonly ConcurrentDictionary<(ulong Chunk, uint Version), byte> _found = [];

    // Those that have not failed. Replaced, never changed.
    private volatile IChunkStore[] _stores;
    private long _lostCopies;
    private long _damagedBlocks;

    /// <summary>Takes stores that are open, and looks where the chunks are.</summary>
    public StoreSet(IEnumerable<IChunkStore> stores)
    {
        _stores = [.. stores.Select(store => new WatchedStore(store, this))];
        if (_stores.Length > 1)
        {
            _places = [];
        }

        foreach (var store in _stores)
        {
            store.Failed += (_, e) => Drop(store, e.Failure);
        }
    }

    /// <summary>Called when a copy was found to be lost. Set once, as the others, before anything is asked.</summary>
    public Action<ChunkInfo>? OnCopyLost { get; set; }

    /// <summary>Called when a chunk came to a version.</summary>
    public Action<ChunkId, ChunkVersion>? OnVersionBegun { get; set; }

    /// <summary>Called when a store failed, with all that it had, and with whether it was the last one.</summary>
    public Action<DistFsException, bool>? OnStoreFailed { get; set; }

    /// <summary>Those that have not failed.</summary>
    public IReadOnlyList<IChunkStore> Stores => _stores;

    /// <summary>Copies that were found to be lost, since the start.</summary>
    public long LostCopies => Interlocked.Read(ref _lostCopies);

    /// <summary>Blocks that were found to be damaged, since the start.</summary>
    public long DamagedBlocks => Interlocked.Read(ref _damagedBlocks);

    /// <summary>
    /// Looks where all chunks are, once, before anything else. Of a chunk that is in two stores (one of them had
    /// failed, and is back) the newest copy stays, and the other is deleted.
    /// </summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        if (_places == null)
        {
            return;
        }

        var batch = new ChunkInfo[ListBatch];
        foreach (var store in _stores)
        {
            for (ulong from = 0; ;)
            {
                var count = store.List(new ChunkId(from), batch);
                for (var i = 0; i < count; i++)
                {
                    await PlaceAsync(store, batch[i], cancellation).ConfigureAwait(false);
                }

                if (count < batch.Length)
                {
                    break;
                }

                from = batch[count - 1].Chunk.Value + 1;
            }
        }
    }

    /// <summary>The store that has a chunk; of a server with one store, that one.</summary>
    public IChunkStore? Of(ChunkId chunk) =>
        _places == null ? _stores.FirstOrDefault() : _places.GetValueOrDefault(chunk.Value);

    /// <summary>
    /// The store for a new chunk: by the chunk's hash, each as often as it has room, those that are full left out
    /// (weighted rendezvous hashing).
    /// </summary>
    /// <exception cref="DistFsException">None is left.</exception>
    public IChunkStore ForNew(ChunkId chunk)
    {
        var stores = _stores;
        if (stores.Length <= 1)
        {
            return stores.Length == 1 ? stores[0] : throw FolderErrors.NoneLeft();
        }

        IChunkStore? best = null;
        var bestScore = double.MaxValue;
        foreach (var store in stores)
        {
            var space = store.Space;
            var room = space.AvailableBytes - space.ReserveBytes;
            if (room <= 0)
            {
                continue;
            }

            var score = -Math.Log(Unit(chunk.Value ^ store.Identity.Store.Value)) / room;
            if (score < bestScore)
            {
                (best, bestScore) = (store, score);
            }
        }

        // A fence needs hardly any room, and a full store refuses all else by itself.
        return best ?? stores.MaxBy(static store => store.Space.AvailableBytes)!;
    }

    /// <inheritdoc/>
    public void Made(ChunkId chunk, IChunkStore store) => Has(store, chunk);

    /// <summary>The space of all.</summary>
    public StoreSpace Space
    {
        get
        {
            long capacity = 0, available = 0, reserve = 0;
            foreach (var store in _stores)
            {
                var space = store.Space;
                (capacity, available) = (capacity + space.CapacityBytes, available + space.AvailableBytes);
                reserve += space.ReserveBytes;
            }

            return new StoreSpace(capacity, available, reserve);
        }
    }

    /// <summary>Whether no store takes anything.</summary>
    public bool IsFull => Array.TrueForAll(_stores, static store => store.Space.IsFull);

    /// <summary>What is served of the chunks from one on, by id.</summary>
    /// <param name="from">The first.</param>
    /// <param name="max">At most so many.</param>
    public List<ChunkInfo> Served(ChunkId from, int max)
    {
        var served = new List<ChunkInfo>();
        var batch = new ChunkInfo[ListBatch];
        foreach (var store in _stores)
        {
            // Each gives its first ones; the first of all of these are the first of all.
            var (taken, next) = (0, from.Value);
            for (var count = batch.Length; count == batch.Length && taken < max;)
            {
                count = store.List(new ChunkId(next), batch);
                for (var i = 0; i < count && taken < max; i++)
                {
                    if (batch[i].State == ChunkState.Serving && Of(batch[i].Chunk) == store)
                    {
                        served.Add(batch[i]);
                        taken++;
                    }
                }

                next = count == 0 ? next : batch[count - 1].Chunk.Value + 1;
            }
        }

        served.Sort(static (left, right) => left.Chunk.Value.CompareTo(right.Chunk.Value));
        if (served.Count > max)
        {
            served.RemoveRange(max, served.Count - max);
        }

        return served;
    }

    /// <summary>Deletes what the orders are about, in whichever store it is; durable when it ends.</summary>
    public async Task DeleteAsync(IReadOnlyList<ChunkDeletion> orders, CancellationToken cancellation)
    {
        foreach (var ofStore in orders.Select(order => (Order: order, Store: Of(order.Chunk)))
            .Where(static pair => pair.Store != null)
            .GroupBy(static pair => pair.Store!, static pair => pair.Order))
        {
            foreach (var batch in ofStore.Chunk(StoreLimits.OrdersMax))
            {
                await ofStore.Key.DeleteAsync(batch, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>More blocks of a copy were found to be damaged than the one that makes it lost.</summary>
    public void DamagedToo(int blocks) => Interlocked.Add(ref _damagedBlocks, blocks);

    /// <inheritdoc/>
    public void Has(IChunkStore store, ChunkId chunk)
    {
        if (_places != null && _places.TryAdd(chunk.Value, store) && !_stores.Contains(store))
        {
            // It failed at the same moment.
            _places.TryRemove(KeyValuePair.Create(chunk.Value, store));
        }
    }

    /// <inheritdoc/>
    public void HasNot(IChunkStore store, ChunkId chunk) =>
        _places?.TryRemove(KeyValuePair.Create(chunk.Value, store));

    /// <inheritdoc/>
    public void VersionBegun(ChunkId chunk, ChunkVersion version) => OnVersionBegun?.Invoke(chunk, version);

    /// <inheritdoc/>
    public void Lost(ChunkInfo info, bool wasLost)
    {
        if (_found.TryAdd((info.Chunk.Value, info.Version.Value), 0) && !wasLost)
        {
            Interlocked.Increment(ref _lostCopies);
            if (info.LostStatus == FsStatus.Corrupt)
            {
                Interlocked.Increment(ref _damagedBlocks);
            }
        }

        OnCopyLost?.Invoke(info);
    }

    private async Task PlaceAsync(IChunkStore store, ChunkInfo info, CancellationToken cancellation)
    {
        var id = info.Chunk.Value;
        if (_places!.TryGetValue(id, out var other) && other.TryGet(info.Chunk, out var there))
        {
            var isNewer = (info.Version.Value, info.Copy.Value).CompareTo((there.Version.Value, there.Copy.Value)) > 0;
            var (loser, lost) = isNewer ? (other, there) : (store, info);
            await loser.DeleteAsync(
                new[] { new ChunkDeletion(lost.Chunk, lost.Version, lost.Copy) }, cancellation).ConfigureAwait(false);
            if (!isNewer)
            {
                return;
            }
        }

        _places[id] = store;
    }

    private void Drop(IChunkStore store, DistFsException failure)
    {
        bool isLast;
        lock (_gate)
        {
            _stores = Array.FindAll(_stores, other => other != store);
            isLast = _stores.Length == 0;
        }

        if (_places != null)
        {
            foreach (var (chunk, place) in _places)
            {
                if (place == store)
                {
                    _places.TryRemove(KeyValuePair.Create(chunk, place));
                }
            }
        }

        OnStoreFailed?.Invoke(failure, isLast);
    }

    /// <summary>Evenly in (0, 1], from a number (the finalizer of SplitMix64).</summary>
    private static double Unit(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        value ^= value >> 31;
        return ((value >> 11) + 1) * (1.0 / (1UL << 53));
    }
}
