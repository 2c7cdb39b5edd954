using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <content>C API: options of the database and of column families.</content>
internal static unsafe partial class RocksNative
{
    [LibraryImport(Library, EntryPoint = "rocksdb_options_create")]
    internal static partial nint OptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_options_destroy")]
    internal static partial void OptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_get_options_from_string")]
    internal static partial void GetOptionsFromString(nint options, byte* text, nint newOptions, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_create_if_missing")]
    internal static partial void OptionsSetCreateIfMissing(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_create_missing_column_families")]
    internal static partial void OptionsSetCreateMissingColumnFamilies(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_error_if_exists")]
    internal static partial void OptionsSetErrorIfExists(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_paranoid_checks")]
    internal static partial void OptionsSetParanoidChecks(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_info_log_level")]
    internal static partial void OptionsSetInfoLogLevel(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_keep_log_file_num")]
    internal static partial void OptionsSetKeepLogFileNum(nint options, nuint value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_max_open_files")]
    internal static partial void OptionsSetMaxOpenFiles(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_max_total_wal_size")]
    internal static partial void OptionsSetMaxTotalWalSize(nint options, ulong value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_max_background_jobs")]
    internal static partial void OptionsSetMaxBackgroundJobs(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_db_write_buffer_size")]
    internal static partial void OptionsSetDbWriteBufferSize(nint options, nuint value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_bytes_per_sync")]
    internal static partial void OptionsSetBytesPerSync(nint options, ulong value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_wal_bytes_per_sync")]
    internal static partial void OptionsSetWalBytesPerSync(nint options, ulong value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_atomic_flush")]
    internal static partial void OptionsSetAtomicFlush(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_wal_recovery_mode")]
    internal static partial void OptionsSetWalRecoveryMode(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_wal_dir")]
    internal static partial void OptionsSetWalDir(nint options, byte* value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_stats_dump_period_sec")]
    internal static partial void OptionsSetStatsDumpPeriodSec(nint options, uint value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_write_buffer_size")]
    internal static partial void OptionsSetWriteBufferSize(nint options, nuint value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_max_write_buffer_number")]
    internal static partial void OptionsSetMaxWriteBufferNumber(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_compression")]
    internal static partial void OptionsSetCompression(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_bottommost_compression")]
    internal static partial void OptionsSetBottommostCompression(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_memtable_prefix_bloom_size_ratio")]
    internal static partial void OptionsSetMemtablePrefixBloomSizeRatio(nint options, double value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_memtable_whole_key_filtering")]
    internal static partial void OptionsSetMemtableWholeKeyFiltering(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_prefix_extractor")]
    internal static partial void OptionsSetPrefixExtractor(nint options, nint transform);

    [LibraryImport(Library, EntryPoint = "rocksdb_slicetransform_create_fixed_prefix")]
    internal static partial nint SliceTransformCreateFixedPrefix(nuint length);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_level0_file_num_compaction_trigger")]
    internal static partial void OptionsSetLevel0FileNumCompactionTrigger(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_level0_slowdown_writes_trigger")]
    internal static partial void OptionsSetLevel0SlowdownWritesTrigger(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_level0_stop_writes_trigger")]
    internal static partial void OptionsSetLevel0StopWritesTrigger(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_target_file_size_base")]
    internal static partial void OptionsSetTargetFileSizeBase(nint options, ulong value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_max_bytes_for_level_base")]
    internal static partial void OptionsSetMaxBytesForLevelBase(nint options, ulong value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_level_compaction_dynamic_level_bytes")]
    internal static partial void OptionsSetLevelCompactionDynamicLevelBytes(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_disable_auto_compactions")]
    internal static partial void OptionsSetDisableAutoCompactions(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_enable_blob_files")]
    internal static partial void OptionsSetEnableBlobFiles(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_min_blob_size")]
    internal static partial void OptionsSetMinBlobSize(nint options, ulong value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_blob_file_size")]
    internal static partial void OptionsSetBlobFileSize(nint options, ulong value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_blob_compression_type")]
    internal static partial void OptionsSetBlobCompressionType(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_enable_blob_gc")]
    internal static partial void OptionsSetEnableBlobGc(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_blob_gc_age_cutoff")]
    internal static partial void OptionsSetBlobGcAgeCutoff(nint options, double value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_blob_gc_force_threshold")]
    internal static partial void OptionsSetBlobGcForceThreshold(nint options, double value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_blob_compaction_readahead_size")]
    internal static partial void OptionsSetBlobCompactionReadaheadSize(nint options, ulong value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_block_based_table_factory")]
    internal static partial void OptionsSetBlockBasedTableFactory(nint options, nint tableOptions);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_create")]
    internal static partial nint BlockBasedOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_destroy")]
    internal static partial void BlockBasedOptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_block_size")]
    internal static partial void BlockBasedOptionsSetBlockSize(nint options, nuint blockSize);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_index_type")]
    internal static partial void BlockBasedOptionsSetIndexType(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_partition_filters")]
    internal static partial void BlockBasedOptionsSetPartitionFilters(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_pin_top_level_index_and_filter")]
    internal static partial void BlockBasedOptionsSetPinTopLevelIndexAndFilter(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_block_cache")]
    internal static partial void BlockBasedOptionsSetBlockCache(nint options, nint blockCache);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_no_block_cache")]
    internal static partial void BlockBasedOptionsSetNoBlockCache(nint options, byte noBlockCache);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_filter_policy")]
    internal static partial void BlockBasedOptionsSetFilterPolicy(nint options, nint filterPolicy);

    [LibraryImport(Library, EntryPoint = "rocksdb_filterpolicy_create_bloom_full")]
    internal static partial nint FilterPolicyCreateBloomFull(double bitsPerKey);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_format_version")]
    internal static partial void BlockBasedOptionsSetFormatVersion(nint options, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_cache_index_and_filter_blocks")]
    internal static partial void BlockBasedOptionsSetCacheIndexAndFilterBlocks(nint options, byte value);

    [LibraryImport(
        Library,
        EntryPoint = "rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority")]
    internal static partial void BlockBasedOptionsSetCacheIndexAndFilterBlocksWithHighPriority(
        nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache")]
    internal static partial void BlockBasedOptionsSetPinL0FilterAndIndexBlocksInCache(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_cache_create_lru")]
    internal static partial nint CacheCreateLru(nuint capacity);

    [LibraryImport(Library, EntryPoint = "rocksdb_cache_destroy")]
    internal static partial void CacheDestroy(nint cache);

    [LibraryImport(Library, EntryPoint = "rocksdb_cache_get_usage")]
    internal static partial nuint CacheGetUsage(nint cache);

    [LibraryImport(Library, EntryPoint = "rocksdb_cache_get_pinned_usage")]
    internal static partial nuint CacheGetPinnedUsage(nint cache);

    [LibraryImport(Library, EntryPoint = "rocksdb_cache_get_capacity")]
    internal static partial nuint CacheGetCapacity(nint cache);

    [LibraryImport(Library, EntryPoint = "rocksdb_cache_set_capacity")]
    internal static partial void CacheSetCapacity(nint cache, nuint capacity);
}
