using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <content>C API: options of single calls.</content>
internal static unsafe partial class RocksNative
{
    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_create")]
    internal static partial nint ReadOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_destroy")]
    internal static partial void ReadOptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_verify_checksums")]
    internal static partial void ReadOptionsSetVerifyChecksums(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_fill_cache")]
    internal static partial void ReadOptionsSetFillCache(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_snapshot")]
    internal static partial void ReadOptionsSetSnapshot(nint options, nint snapshot);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_iterate_upper_bound")]
    internal static partial void ReadOptionsSetIterateUpperBound(nint options, byte* key, nuint keyLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_iterate_lower_bound")]
    internal static partial void ReadOptionsSetIterateLowerBound(nint options, byte* key, nuint keyLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_readahead_size")]
    internal static partial void ReadOptionsSetReadaheadSize(nint options, nuint value);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_prefix_same_as_start")]
    internal static partial void ReadOptionsSetPrefixSameAsStart(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_total_order_seek")]
    internal static partial void ReadOptionsSetTotalOrderSeek(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_create")]
    internal static partial nint WriteOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_destroy")]
    internal static partial void WriteOptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_set_sync")]
    internal static partial void WriteOptionsSetSync(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_disable_WAL")]
    internal static partial void WriteOptionsDisableWal(nint options, int disable);

    [LibraryImport(Library, EntryPoint = "rocksdb_flushoptions_create")]
    internal static partial nint FlushOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_flushoptions_destroy")]
    internal static partial void FlushOptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_flushoptions_set_wait")]
    internal static partial void FlushOptionsSetWait(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_compactoptions_create")]
    internal static partial nint CompactOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_compactoptions_destroy")]
    internal static partial void CompactOptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_compactoptions_set_bottommost_level_compaction")]
    internal static partial void CompactOptionsSetBottommostLevelCompaction(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_ingestexternalfileoptions_create")]
    internal static partial nint IngestOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_ingestexternalfileoptions_destroy")]
    internal static partial void IngestOptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_ingestexternalfileoptions_set_move_files")]
    internal static partial void IngestOptionsSetMoveFiles(nint options, byte moveFiles);

    [LibraryImport(Library, EntryPoint = "rocksdb_ingestexternalfileoptions_set_snapshot_consistency")]
    internal static partial void IngestOptionsSetSnapshotConsistency(
        nint options, byte snapshotConsistency);

    [LibraryImport(Library, EntryPoint = "rocksdb_ingestexternalfileoptions_set_allow_global_seqno")]
    internal static partial void IngestOptionsSetAllowGlobalSequence(nint options, byte allow);

    [LibraryImport(Library, EntryPoint = "rocksdb_ingestexternalfileoptions_set_allow_blocking_flush")]
    internal static partial void IngestOptionsSetAllowBlockingFlush(
        nint options, byte allowBlockingFlush);
}
