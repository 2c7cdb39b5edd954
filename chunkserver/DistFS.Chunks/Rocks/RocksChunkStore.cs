using System.Diagnostics;
using DistFS.Native.RocksDb;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>A store over RocksDB, on one disk (docs/design/chunk-store.md).</summary>
public sealed partial class RocksChunkStore : IChunkStore
{
    private static readonly TimeSpan SpaceAge = TimeSpan.FromMilliseconds(200);
    private static readonly byte[] ScrubKey = "scrub"u8.ToArray();

    private readonly RocksChunkStoreOptions _options;
    private readonly StoreFolder _folder;
    private readonly StoreEngine _engine;
    private readonly StoreMetrics _metrics;
    private readonly StoreLane _lane;
    private readonly WorkThread _partsThread;
    private readonly WorkThread _background;
    private readonly PartKeeper _parts;
    private readonly PartFiles _partFiles;
    private readonly PartTables _partTables;
    private readonly ChunkEditor _editor;
    private readonly ChunkTable _chunks;
    private readonly ContentCache? _contents;
    private readonly int _contentsNumber;
    private readonly Lock _spaceGate = new();
    private DistFsException? _failure;
    private StoreSpace _space;
    private long _spaceAt;
    private ScrubMark _scrubMark;
    private long _nowMs;
    private int _isDisposed;

    private RocksChunkStore(RocksChunkStoreOptions options, StoreFolder folder, StoreEngine engine)
    {
        (_options, _folder, _engine, _partFiles) = (options, folder, engine, new PartFiles(engine));
        _partTables = new PartTables(_partFiles, Math.Max(1, options.OpenFilesMax / 2));
        var next = engine.DropUnnamed(out var dropped);
        PartsDropped = dropped;
        _scrubMark = ScrubMarkCodec.Decode(engine.GetOwn(ScrubKey));
        _parts = new PartKeeper(folder.Staging, options.PartsOpenMax, next);
        _chunks = new ChunkTable(engine, options.ChunksCached);
        _contents = options.Contents;
        _contentsNumber = _contents?.AddStore() ?? 0;
        _metrics = new StoreMetrics(folder.Identity.Store, () => _parts.Count, () => _lane!.Waiting, () => Space);
        _lane = new StoreLane(new LaneGroup(engine), _metrics, () => Volatile.Read(ref _failure), Fail, OnFull);
        _partsThread = new WorkThread("chunks.parts", FailFrom);
        _background = new WorkThread("chunks.background", FailFrom);
        _editor = new ChunkEditor(
            _parts,
            options.PartBytesMin,
            part => _partsThread.Add(() => EndPart(part)),
            (chunk, part) => _background.Add(() => DropPart(chunk, part)),
            _metrics);
        _lane.Start();
    }

    /// <inheritdoc/>
    public event EventHandler<StoreFailedEventArgs>? Failed;

    /// <inheritdoc/>
    public StoreIdentity Identity => _folder.Identity;

    /// <inheritdoc/>
    public StoreSpace Space
    {
        get
        {
            lock (_spaceGate)
            {
                if (_spaceAt == 0 || Stopwatch.GetElapsedTime(_spaceAt) > SpaceAge)
                {
                    var space = _folder.Space();
                    _space = new StoreSpace(space.TotalBytes, space.AvailableBytes, _options.ReserveBytes);
                    _spaceAt = Stopwatch.GetTimestamp();
                }

                return _space;
            }
        }
    }

    /// <inheritdoc/>
    public ScrubMark ScrubMark
    {
        get
        {
            lock (_spaceGate)
            {
                return _scrubMark;
            }
        }

        private set
        {
            lock (_spaceGate)
            {
                _scrubMark = value;
            }
        }
    }

    /// <summary>Files of parts that no chunk named when the store was opened: a crash had left them.</summary>
    public int PartsDropped { get; }

    /// <summary>Files of parts that are held open to be read past the engine. For tests.</summary>
    internal int PartsHeld => _partTables.Count;

    /// <summary>Opens a store, or makes one.</summary>
    /// <exception cref="DistFsException">
    /// There is none (<see cref="ErrorCatalog.ChunkStoreMissing"/>), it is somebody else's
    /// (<see cref="ErrorCatalog.ChunkStoreForeign"/>), of a later version
    /// (<see cref="ErrorCatalog.ChunkStoreFormat"/>), open elsewhere (<see cref="ErrorCatalog.StoreLocked"/>), cannot
    /// be written (<see cref="ErrorCatalog.ChunkStoreReadOnly"/>), lost its identity
    /// (<see cref="ErrorCatalog.ChunkStoreIdentityLost"/>), or is damaged (<see cref="ErrorCatalog.StoreCorrupt"/>).
    /// </exception>
    public static RocksChunkStore Open(RocksChunkStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var folder = StoreFolder.Open(options);
        StoreEngine? engine = null;
        try
        {
            engine = new StoreEngine(folder.Database, options.OpenFilesMax, folder.Identity.Incarnation);
            return new RocksChunkStore(options, folder, engine);
        }
        catch
        {
            engine?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Makes everything durable, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        if (Volatile.Read(ref _failure) is null)
        {
            await _lane.Submit(new ActionRequest(SyncAll)).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing); // A failure was raised already.
        }

        await CloseAsync().ConfigureAwait(false);
    }

    /// <summary>For tests: ends as the death of the process does, writing nothing more.</summary>
    internal async Task KillAsync(Action whenStill)
    {
        _isDisposed = 1;
        _lane.IsKilled = _partsThread.IsKilled = _background.IsKilled = true;
        await Task.WhenAll(_partsThread.CloseAsync(), _background.CloseAsync(), _lane.CloseAsync())
            .ConfigureAwait(false);
        whenStill();
        _partTables.Dispose();
        _engine.Dispose();
        _metrics.Dispose();
        _folder.Dispose();
    }

    /// <summary>Ends the store, once: whatever comes later is refused.</summary>
    internal void Fail(DistFsException cause)
    {
        var failure = new DistFsException(
            ErrorCatalog.ChunkStoreFailed, $"The store in {_options.Folder} ended: {cause.Message}", cause);
        if (Interlocked.CompareExchange(ref _failure, failure, null) is null)
        {
            _metrics.Count("failed");
            Failed?.Invoke(this, new StoreFailedEventArgs(failure));
        }
    }

    private async Task CloseAsync()
    {
        // The lane hands over to the others, and the parts' thread hands back: so it ends between them.
        await _partsThread.CloseAsync().ConfigureAwait(false);
        await _lane.CloseAsync().ConfigureAwait(false);
        await _background.CloseAsync().ConfigureAwait(false);
        _partTables.Dispose();
        _engine.Dispose();
        _metrics.Dispose();
        _folder.Dispose();
    }

    private void SyncAll(LaneGroup group, LaneRequest request)
    {
        group.NeedsSync = true;
        foreach (var entry in _chunks.All)
        {
            if (entry.Next is { } content && (content.IsUnsynced || !content.Open.IsEmpty))
            {
                _editor.MakeDurable(group, entry, request);
            }
        }

        // What is in the log already becomes durable with this row.
        group.Batch.Put(group.Engine.Own, ScrubKey, ScrubMarkCodec.Encode(ScrubMark));
    }

    private void EndPart(OpenPart part)
    {
        DistFsException? broken = null;
        try
        {
            part.Finish();
            _partTables.Made(part.Number, part.Path!);
            Failpoints.Pass("chunks.before-ingest");
            _engine.Ingest(part.Path!);
            Failpoints.Pass("chunks.after-ingest");
        }
        catch (StoreFullException full)
        {
            broken = new DistFsException(
                ErrorCatalog.ChunkStoreFull, $"The disk of the store is full: {full.EngineText}", full);
        }
        catch (Exception failure)
        {
            FailFrom(failure);
            broken = Volatile.Read(ref _failure);
        }

        _ = _lane.Submit(new ActionRequest((group, _) =>
        {
            var entry = _chunks.Find(part.Chunk);
            if (broken is null)
            {
                _editor.Ingested(group, entry, part);
            }
            else
            {
                _partTables.Drop(part.Number);
                _editor.Broken(group, entry, part, broken);
            }
        }));
        if (Volatile.Read(ref _failure) is { } ended)
        {
            // The lane does nothing any more: who waits is told here.
            part.End().ForEach(request => request.Fail(ended));
        }
    }

    private void DropPart(ChunkId chunk, ulong part)
    {
        _partTables.Drop(part);
        try
        {
            if (Volatile.Read(ref _failure) is null)
            {
                _engine.Drop(chunk, part);
            }
        }
        catch (StoreFullException)
        {
            // The file stays until the store is opened again.
            _metrics.Count("drop-full");
        }
    }

    private void OnFull()
    {
        _metrics.Count("full");
        _folder.DropBallast();
    }

    private void FailFrom(Exception cause) => Fail(cause as DistFsException
        ?? new DistFsException(ErrorCatalog.ChunkStoreFailed, cause.Message, cause));

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is { } failure)
        {
            throw failure;
        }

        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
    }
}
