using System.Buffers;
using DistFS.Metadata.Store;
using DistFS.Native.RocksDb;

namespace DistFS.Metaserver.State;

/// <summary>The rows of the metadata in RocksDB, without its log: what a crash takes is applied again.</summary>
/// <remarks>One thread writes; any thread may take a <see cref="View"/>.</remarks>
internal sealed class RocksStore : IOrderedStore, IDisposable
{
    private readonly RocksDb _db;
    private readonly BlockCache _cache;
    private readonly RowCache _readers;
    private readonly WriteBatch _batch = new();
    private readonly List<KeyValuePair<byte[], byte[]?>> _rows = [];

    private RocksStore(RocksDb db, BlockCache cache, RowCache readers) =>
        (_db, _cache, _readers) = (db, cache, readers);

    /// <summary>Whether the engine compacts what it has.</summary>
    public bool Compacts { get; private set; }

    /// <summary>Opens or makes the store of a folder, which compacts nothing yet.</summary>
    /// <exception cref="Primitives.DistFsException">It cannot be used; the message says why.</exception>
    public static RocksStore Open(string folder, StateOptions options)
    {
        var cache = new BlockCache(options.CacheBytes);
        try
        {
            var family = new ColumnFamilyOptions
            {
                BlockCache = cache,
                WriteBufferBytes = options.WriteBufferBytes,
                WriteBuffersMax = 3,

                // Most requests ask for what is not there: their own reply, the name that they make.
                WriteBufferBloomShare = 0.05,

                // A table's letter and all of an inode but its last byte: entries of a directory, replies of a session
                // go beside each other, and so do 256 inodes.
                InsertHintPrefixBytes = 8,
                Level0CompactionTrigger = 8,
                DisableAutoCompactions = true,
                LevelBytesBase = Math.Max(256 << 20, 4 * options.WriteBufferBytes),
                BlockBytes = 8 << 10,
            };
            var db = RocksDb.Open(
                new RocksDbOptions { CreateIfMissing = true, OpenFilesMax = 512 },
                folder,
                new ColumnFamilyDescriptor("default", family));
            return new RocksStore(db, cache, new RowCache(options.RowCacheBytes));
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value)
    {
        using var found = _db.GetPinned(_db.DefaultColumnFamily, key);
        if (found.Found)
        {
            value.Write(found.Span);
        }

        return found.Found;
    }

    /// <inheritdoc/>
    public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row) =>
        Scan(_db, null, from, to, row);

    /// <inheritdoc/>
    public void Write(IReadOnlyCollection<KeyValuePair<byte[], byte[]?>> changes)
    {
        // In order: what comes beside what was just put needs no way from the top of the engine's list.
        _rows.AddRange(changes);
        _rows.Sort(static (one, other) => ByteOrder.Instance.Compare(one.Key, other.Key));
        _batch.Clear();
        _readers.BeginChange();
        foreach (var (key, value) in _rows)
        {
            _readers.Change(key, value);
            if (value == null)
            {
                _batch.Delete(_db.DefaultColumnFamily, key);
            }
            else
            {
                _batch.Put(_db.DefaultColumnFamily, key, value);
            }
        }

        _rows.Clear();
        _db.Write(_batch, WriteSettings.WithoutWal);
        _readers.EndChange();
    }

    /// <summary>Lets the engine compact from now on, on a thread of its own.</summary>
    public void BeginCompacting()
    {
        _db.EnableAutoCompactions(_db.DefaultColumnFamily);
        Compacts = true;
    }

    /// <summary>Makes everything written so far durable.</summary>
    public void Flush() => _db.FlushAll();

    /// <summary>A copy of now in a folder that does not exist yet, by hard links.</summary>
    public void Checkpoint(string folder) => Native.RocksDb.Checkpoint.Create(_db, folder);

    /// <summary>The state of now, held by the caller.</summary>
    public View TakeView() => new(_db, _readers);

    /// <summary>What the engine says that it uses: cache, write buffers, indexes and filters.</summary>
    public long MemoryBytes => (_db.GetIntProperty("rocksdb.block-cache-usage") ?? 0)
        + (_db.GetIntProperty("rocksdb.cur-size-all-mem-tables") ?? 0)
        + (_db.GetIntProperty("rocksdb.estimate-table-readers-mem") ?? 0);

    /// <inheritdoc/>
    public void Dispose()
    {
        _batch.Dispose();
        _db.Dispose();
        _cache.Dispose();
    }

    private static void Scan(
        RocksDb db, RocksSnapshot? snapshot, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row)
    {
        using var rows = db.CreateIterator(
            db.DefaultColumnFamily, new ReadSettings { Snapshot = snapshot, UpperBound = to.ToArray() });
        for (rows.Seek(from); rows.IsValid; rows.Next())
        {
            if (!row(rows.Key, rows.Value))
            {
                return;
            }
        }

        rows.CheckStatus();
    }

    /// <summary>
    /// The rows as they were at one moment. Read only, for any number of threads, each of which disposes of it once.
    /// </summary>
    public sealed class View : IOrderedStore, IDisposable
    {
        private readonly RocksDb _db;
        private readonly RowCache _readers;
        private readonly long _moment;
        private readonly RocksSnapshot _snapshot;
        private readonly ReadOptions _options;
        private int _holders = 1;

        public View(RocksDb db, RowCache readers)
        {
            (_db, _readers) = (db, readers);

            // First: what is published in between makes the view look older than it is, and it uses less. The other
            // way round it would use what it must not.
            _moment = readers.Moment;
            _snapshot = db.CreateSnapshot();
            _options = new ReadOptions(new ReadSettings { Snapshot = _snapshot });
        }

        /// <inheritdoc/>
        public bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value)
        {
            if (_readers.TryRead(_moment, key, value) is { } known)
            {
                return known;
            }

            using var found = _db.GetPinned(_db.DefaultColumnFamily, key, _options);
            if (found.Found)
            {
                value.Write(found.Span);
            }

            _readers.Put(_moment, key, found.Span, isAbsent: !found.Found);
            return found.Found;
        }

        /// <inheritdoc/>
        public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row) =>
            RocksStore.Scan(_db, _snapshot, from, to, row);

        /// <inheritdoc/>
        public void Write(IReadOnlyCollection<KeyValuePair<byte[], byte[]?>> changes) =>
            throw new NotSupportedException("A view is read only.");

        /// <summary>One more uses it; he who asks must hold it.</summary>
        public void Share() => Interlocked.Increment(ref _holders);

        /// <summary>One less uses it; the last lets go of the engine's snapshot.</summary>
        public void Dispose()
        {
            if (Interlocked.Decrement(ref _holders) == 0)
            {
                _options.Dispose();
                _snapshot.Dispose();
            }
        }
    }
}
