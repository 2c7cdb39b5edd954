using System.Collections.Concurrent;
using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Data;

/// <summary>
/// The chunks whose versions were begun in this run, by id. A chunk that is not here is at rest: it is read, and
/// written only in a version that begins from here on (docs/design/chain.md).
/// </summary>
internal sealed class OpenChunks(IChunkStores stores, IServing serving, ShellScheduler? scheduler = null)
{
    /// <summary>Beyond so many, those that are quiet and were not used for a while are put to rest.</summary>
    public const int KeptMax = 16_384;

    private const int Stripes = 64;
    private const long RestMs = 60_000;

    /// <summary>A disk that hangs holds up those of its own chunks, not all that share a stripe with one.</summary>
    private static readonly TimeSpan OpeningTimeout = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<ChunkId, OpenChunk> _open = [];

    /// <summary>One at a time begins a version of a chunk.</summary>
    private readonly Turnstile[] _opening =
        [.. Enumerable.Range(0, Stripes).Select(_ => new Turnstile(scheduler ?? ShellScheduler.Pool))];

    /// <summary>Where the shell of the data path goes on.</summary>
    public ShellScheduler Scheduler { get; } = scheduler ?? ShellScheduler.Pool;

    /// <summary>How many.</summary>
    public int Count => _open.Count;

    /// <summary>Blocks that not every member has told to have, of all chunks.</summary>
    public long DirtyBlocks => _open.Values.Sum(static open =>
    {
        lock (open.Gate)
        {
            return open.Replica.DirtyBefore(new BlockIndex(ChunkLayout.BlocksMax)).LongCount();
        }
    });

    /// <summary>The chunk in its version of this run; null: at rest.</summary>
    public OpenChunk? Find(ChunkId chunk) => _open.GetValueOrDefault(chunk);

    /// <summary>The chunk in the version that a write names, which begins with it if it is new.</summary>
    /// <param name="chunk">Which.</param>
    /// <param name="version">As the writer knows it.</param>
    /// <param name="storedLength">With what length that began.</param>
    /// <param name="begins">Nothing of the chunk was ever replied to: it is made if it is not here.</param>
    /// <exception cref="DistFsException">
    /// Not here (<see cref="ErrorCatalog.ChunkUnknown"/>), lost or not whole, fenced
    /// (<see cref="ErrorCatalog.ChunkVersionStale"/>), or its version was begun in another run
    /// (<see cref="ErrorCatalog.ChunkAtRest"/>).
    /// </exception>
    public async ValueTask<OpenChunk> ForWriteAsync(
        ChunkId chunk, ChunkVersion version, uint storedLength, bool begins)
    {
        if (_open.TryGetValue(chunk, out var open) && (open.Replica.Version == version
            || (Teeth.Has(PlantedBug.FencedWriteTaken) && open.Replica.Version.Value > version.Value)))
        {
            open.Touch();
            return open;
        }

        return await BeginAsync(chunk, version, storedLength, begins).ConfigureAwait(false);
    }

    /// <summary>Comes to a version that somebody names, if it is higher than the one here.</summary>
    /// <exception cref="DistFsException">The store refuses.</exception>
    public async ValueTask ForReadAsync(IChunkStore store, ChunkInfo info, VersionFence named)
    {
        RequireCounts(info);
        if (info.Version.Value < named.Version.Value)
        {
            await FenceAsync(store, [named]).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// What is here may lack bytes that were replied to: it is no source of a copy or of what others settle by, is not
    /// read, and not compared with, unless the cluster says that it counts.
    /// </summary>
    /// <exception cref="DistFsException">It is so (<see cref="ErrorCatalog.ChunkDirty"/>).</exception>
    public void RequireCounts(in ChunkInfo info)
    {
        if (RefusalOf(info) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>What <see cref="RequireCounts"/> throws; null: it counts.</summary>
    public DistFsException? RefusalOf(in ChunkInfo info) =>
        info.IsUnclean ? new DistFsException(ErrorCatalog.ChunkDirty, Unclean(info)) : null;

    /// <summary>
    /// Versions begin: durably, before this ends. A sealed one that was begun before this run is opened all the same,
    /// to be settled, unless the copy is sealed too.
    /// </summary>
    /// <param name="fences">At most <see cref="StoreLimits.OrdersMax"/>.</param>
    /// <returns>The chunks that are open in their new version here.</returns>
    /// <exception cref="DistFsException">A store failed.</exception>
    public async ValueTask<IReadOnlyList<OpenChunk>> FenceAsync(IEnumerable<VersionFence> fences)
    {
        var begun = new List<OpenChunk>();
        foreach (var ofStore in fences.GroupBy(fence => stores.Of(fence.Chunk) ?? stores.ForNew(fence.Chunk)))
        {
            begun.AddRange(await FenceAsync(ofStore.Key, [.. ofStore]).ConfigureAwait(false));
        }

        return begun;
    }

    /// <summary>
    /// Nobody writes in a version: if all of it is settled here, the store says so from here on, and any reader is
    /// served, after a restart too.
    /// </summary>
    /// <returns>Whether it is sealed.</returns>
    /// <exception cref="DistFsException">The store refuses, or failed.</exception>
    public async ValueTask<bool> TrySealAsync(ChunkId chunk, ChunkVersion version)
    {
        if (!_open.TryGetValue(chunk, out var open) || stores.Of(chunk) is not { } store)
        {
            return false;
        }

        lock (open.Gate)
        {
            if (open.Replica.Version != version || !open.Replica.IsQuiet || open.Replica.IsUnborn)
            {
                return false;
            }
        }

        await store.SealAsync(chunk, version, CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    /// <summary>The chunk is given up, or lost: nothing of it is open any more.</summary>
    public void Close(ChunkId chunk)
    {
        if (_open.TryRemove(chunk, out var open))
        {
            open.Break(Fenced());
        }
    }

    /// <summary>What is open of it in an older version ends.</summary>
    private void CloseBefore(ChunkId chunk, ChunkVersion version)
    {
        if (_open.TryGetValue(chunk, out var open) && open.Replica.Version.Value < version.Value
            && _open.TryRemove(KeyValuePair.Create(chunk, open)))
        {
            open.Break(Fenced());
        }
    }

    /// <summary>Puts chunks to rest that nobody uses, if there are many. Called now and then.</summary>
    public void Rest(long nowMs)
    {
        if (_open.Count <= KeptMax)
        {
            return;
        }

        foreach (var open in _open.Values)
        {
            lock (open.Gate)
            {
                if (nowMs - open.UsedMs > RestMs && open.Replica.IsQuiet)
                {
                    // Who writes on begins another version.
                    open.Replica.Break(Fenced());
                    _open.TryRemove(KeyValuePair.Create(open.Chunk, open));
                }
            }
        }
    }

    private async Task<OpenChunk> BeginAsync(
        ChunkId chunk, ChunkVersion version, uint storedLength, bool begins)
    {
        var gate = _opening[(int)(chunk.Value % Stripes)];
        if (!await gate.TryEnterAsync(OpeningTimeout).ConfigureAwait(false))
        {
            throw new DistFsException(
                ErrorCatalog.Overloaded, $"Another version of a chunk is being begun for more than {OpeningTimeout}.");
        }

        try
        {
            if (_open.TryGetValue(chunk, out var open) && open.Replica.Version == version)
            {
                return open;
            }

            if (stores.Of(chunk) is not { } store || !store.TryGet(chunk, out var info))
            {
                return begins && storedLength == 0
                    ? await MakeAsync(chunk, version).ConfigureAwait(false)
                    : throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");
            }

            if (version.Value < info.Version.Value)
            {
                throw Stale(chunk, version);
            }

            if (info.State != ChunkState.Serving)
            {
                throw new DistFsException(
                    info.State == ChunkState.Lost ? ErrorCatalog.ChunkLost : ErrorCatalog.ChunkIncomplete,
                    $"The copy of chunk {chunk} on server {serving.Self} is not whole.");
            }

            if (info.IsUnclean && storedLength > 0)
            {
                throw new DistFsException(ErrorCatalog.ChunkAtRest, Unclean(info));
            }

            if (version == info.Version)
            {
                // Sealed, it has all; it just takes no more in this version.
                throw new DistFsException(
                    info.IsSealed ? ErrorCatalog.ChunkVersionOver : ErrorCatalog.ChunkAtRest,
                    $"Chunk {chunk} {version} was begun before server {serving.Self} started, or is sealed.");
            }

            await FenceAsync(store, [new VersionFence(chunk, version, storedLength)]).ConfigureAwait(false);
            return _open.TryGetValue(chunk, out open) && open.Replica.Version == version
                ? open
                : throw Stale(chunk, version);
        }
        finally
        {
            gate.Leave();
        }
    }

    private async Task<OpenChunk> MakeAsync(ChunkId chunk, ChunkVersion version)
    {
        var store = stores.ForNew(chunk);
        await store.CreateAsync(chunk, version, CancellationToken.None).ConfigureAwait(false);
        stores.Made(chunk, store);
        var made = new OpenChunk(chunk, new ChunkReplica(version, [], ReplicaOrigin.Made), Scheduler);
        var open = _open.AddOrUpdate(
            chunk,
            made,
            (_, other) => other.Replica.Version.Value > version.Value ? other : made);
        return open == made ? made : throw Stale(chunk, version);
    }

    private static DistFsException Stale(ChunkId chunk, ChunkVersion version) =>
        new(ErrorCatalog.ChunkVersionStale, $"Chunk {chunk} has gone on from {version} here.");

    private async ValueTask<List<OpenChunk>> FenceAsync(IChunkStore store, VersionFence[] fences)
    {
        // As they are before: what the version begins from.
        var before = Array.ConvertAll(
            fences, fence => store.TryGet(fence.Chunk, out var info) ? info : (ChunkInfo?)null);
        var outcomes = new FenceOutcome[fences.Length];
        await store.BeginVersionsAsync(fences, outcomes, CancellationToken.None).ConfigureAwait(false);
        var begun = new List<OpenChunk>();
        for (var i = 0; i < fences.Length; i++)
        {
            var chunk = fences[i].Chunk;
            stores.Made(chunk, store);
            if (store.TryGet(chunk, out var after) && after.IsUnclean)
            {
                // It knows the version, and has nothing to say in it.
                Close(chunk);
            }
            else if (after.IsSealed && after.Version == fences[i].Version && outcomes[i] == FenceOutcome.Begun)
            {
                // All of it is here, and nobody writes: at rest, and served.
                CloseBefore(chunk, after.Version);
            }
            else if (Replace(fences[i], outcomes[i], before[i]) is { } open)
            {
                begun.Add(open);
            }
        }

        return begun;
    }

    /// <summary>
    /// The store has begun a version: what was open before ends, and what was dirty in it is carried.
    /// </summary>
    private OpenChunk? Replace(in VersionFence fence, FenceOutcome outcome, ChunkInfo? stored)
    {
        if (outcome != FenceOutcome.Begun)
        {
            if (outcome == FenceOutcome.Lost)
            {
                Close(fence.Chunk);
            }

            return null;
        }

        for (; ; )
        {
            _open.TryGetValue(fence.Chunk, out var before);
            if (before != null && before.Replica.Version.Value >= fence.Version.Value)
            {
                return before.Replica.Version == fence.Version ? before : null;
            }

            if (before == null && stored is { } known && known.Version.Value >= fence.Version.Value
                && (!fence.IsSealed || known.Version != fence.Version))
            {
                // Begun in an earlier run: what was written in it then is not known. It stays at rest.
                return null;
            }

            // Broken first: nothing becomes dirty any more.
            before?.Break(Fenced());
            var after = new OpenChunk(fence.Chunk, Next(fence, before, stored), Scheduler);
            if (before == null
                ? _open.TryAdd(fence.Chunk, after)
                : _open.TryUpdate(fence.Chunk, after, before))
            {
                return after;
            }
        }
    }

    private static ChunkReplica Next(in VersionFence fence, OpenChunk? before, ChunkInfo? stored)
    {
        var end = new BlockIndex(
            fence.KeepsBeyond ? ChunkLayout.BlocksMax : (uint)ChunkLayout.BlocksOf(fence.Length));
        if (before == null)
        {
            // What was sealed is with all; of anything else nobody here knows what was under way.
            return stored is null or { IsSealed: true }
                ? new ChunkReplica(fence.Version, [])
                : new ChunkReplica(fence.Version, AllBefore(end), ReplicaOrigin.Rest);
        }

        lock (before.Gate)
        {
            var replica = before.Replica;
            return new ChunkReplica(
                fence.Version,
                Teeth.Has(PlantedBug.DirtyBlocksForgotten) ? [] : replica.DirtyBefore(end).ToList(),
                replica.Origin == ReplicaOrigin.Rest && replica.Committed == 0
                    ? ReplicaOrigin.Rest
                    : ReplicaOrigin.Known);
        }
    }

    private static IEnumerable<BlockIndex> AllBefore(BlockIndex end)
    {
        for (var block = 0u; block < end.Value; block++)
        {
            yield return new BlockIndex(block);
        }
    }

    private string Unclean(in ChunkInfo info) =>
        $"Server {serving.Self} may lack bytes of chunk {info.Chunk} {info.Version} that were written without a sync "
        + "when it ended.";

    private ChainFailure Fenced() =>
        new(serving.Self, ErrorCatalog.ChunkVersionStale, "Another version of the chunk has begun.");
}
