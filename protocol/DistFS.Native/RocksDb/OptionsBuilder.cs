using System.Text;
using static DistFS.Native.RocksDb.RocksNative;

namespace DistFS.Native.RocksDb;

/// <summary>Turns option records into the engine's objects. The engine copies them when a database is opened.</summary>
internal static unsafe class OptionsBuilder
{
    /// <summary>
    /// The format of table files, fixed: a newer library would otherwise write files that the distribution's older one
    /// cannot read after a step back. 5 is the newest that RocksDB 7.8 knows.
    /// </summary>
    private const int TableFormatVersion = 5;

    /// <summary>
    /// Into its own log (the file LOG) the engine writes its options when it is opened, and nothing more (number of
    /// InfoLogLevel): 7.8.3 aborts the process when it writes to that file again after it could not be written, so some
    /// seconds after the disk is full (EnvLogger; WritableFileWriter asserts). An error of what was asked for
    /// is returned besides.
    /// </summary>
    internal const int HeaderLevel = 5;

    /// <summary>An index of indexes (number of c.h).</summary>
    private const int TwoLevelIndex = 2;

    /// <summary>Validates and builds the options of a database.</summary>
    public static OptionsHandle Build(RocksDbOptions options)
    {
        options.Validate();
        var handle = new OptionsHandle();
        var native = handle.DangerousGetHandle();
        OptionsSetCreateIfMissing(native, Byte(options.CreateIfMissing));
        OptionsSetCreateMissingColumnFamilies(native, Byte(options.CreateMissingColumnFamilies));
        OptionsSetErrorIfExists(native, Byte(options.ErrorIfExists));
        OptionsSetParanoidChecks(native, Byte(options.ParanoidChecks));
        OptionsSetWalRecoveryMode(native, (int)options.WalRecovery);
        OptionsSetAtomicFlush(native, Byte(options.AtomicFlush));
        OptionsSetMaxOpenFiles(native, options.OpenFilesMax);
        OptionsSetMaxBackgroundJobs(native, options.BackgroundJobsMax);
        OptionsSetMaxTotalWalSize(native, (ulong)options.WalBytesMax);
        OptionsSetDbWriteBufferSize(native, checked((nuint)options.DbWriteBufferBytes));
        OptionsSetBytesPerSync(native, (ulong)options.BytesPerSync);
        OptionsSetWalBytesPerSync(native, (ulong)options.BytesPerSync);
        OptionsSetInfoLogLevel(native, HeaderLevel);
        OptionsSetKeepLogFileNum(native, 2);
        OptionsSetStatsDumpPeriodSec(native, 0); // Statistics are read as properties, not from a log.
        if (options.WalDirectory is not null)
        {
            fixed (byte* directory = ToText(options.WalDirectory))
            {
                OptionsSetWalDir(native, directory);
            }
        }

        return handle;
    }

    /// <summary>Validates and builds the options of a column family.</summary>
    public static OptionsHandle Build(ColumnFamilyOptions options)
    {
        options.Validate();
        var handle = options.InsertHintPrefixBytes > 0
            ? WithInsertHints(options.InsertHintPrefixBytes) : new OptionsHandle();
        var native = handle.DangerousGetHandle();
        OptionsSetWriteBufferSize(native, checked((nuint)options.WriteBufferBytes));
        OptionsSetMaxWriteBufferNumber(native, options.WriteBuffersMax);
        OptionsSetCompression(native, (int)options.Compression);
        OptionsSetBottommostCompression(native, (int)options.Compression);
        OptionsSetTargetFileSizeBase(native, (ulong)options.TargetFileBytes);
        OptionsSetMaxBytesForLevelBase(native, (ulong)options.LevelBytesBase);
        OptionsSetLevelCompactionDynamicLevelBytes(native, Byte(options.DynamicLevelBytes));
        OptionsSetLevel0FileNumCompactionTrigger(native, options.Level0CompactionTrigger);
        OptionsSetLevel0SlowdownWritesTrigger(native, options.Level0SlowdownTrigger);
        OptionsSetLevel0StopWritesTrigger(native, options.Level0StopTrigger);
        OptionsSetDisableAutoCompactions(native, options.DisableAutoCompactions ? 1 : 0);
        if (options.WriteBufferBloomShare > 0)
        {
            OptionsSetMemtablePrefixBloomSizeRatio(native, options.WriteBufferBloomShare);
            OptionsSetMemtableWholeKeyFiltering(native, 1);
        }

        if (options.PrefixBytes > 0)
        {
            // The options take the transform over.
            OptionsSetPrefixExtractor(native, SliceTransformCreateFixedPrefix((nuint)options.PrefixBytes));
        }

        BuildBlobs(native, options.Blobs);
        BuildTable(native, options);
        return handle;
    }

    /// <summary>A string for the C API: UTF-8 and a zero.</summary>
    /// <exception cref="ArgumentException">The string holds a zero itself, which would cut it short.</exception>
    public static byte[] ToText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A path or name must not contain the character NUL.", nameof(text));
        }

        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    /// <summary>Options that the C API can set only by a text.</summary>
    private static OptionsHandle WithInsertHints(int prefixBytes)
    {
        using var plain = new OptionsHandle();
        var handle = new OptionsHandle();
        fixed (byte* text = ToText($"memtable_insert_with_hint_prefix_extractor=fixed:{prefixBytes}"))
        {
            byte* error = null;
            GetOptionsFromString(plain.DangerousGetHandle(), text, handle.DangerousGetHandle(), &error);
            RocksDbErrors.ThrowIfError(error, nameof(ColumnFamilyOptions));
        }

        return handle;
    }

    private static void BuildBlobs(nint native, BlobOptions? blobs)
    {
        OptionsSetEnableBlobFiles(native, Byte(blobs is not null));
        if (blobs is null)
        {
            return;
        }

        OptionsSetMinBlobSize(native, (ulong)blobs.BlobBytesMin);
        OptionsSetBlobFileSize(native, (ulong)blobs.FileBytes);
        OptionsSetBlobCompressionType(native, (int)blobs.Compression);
        OptionsSetEnableBlobGc(native, Byte(blobs.CollectGarbage));
        OptionsSetBlobGcAgeCutoff(native, blobs.GarbageAgeCutoff);
        OptionsSetBlobGcForceThreshold(native, blobs.GarbageForceThreshold);
    }

    private static void BuildTable(nint native, ColumnFamilyOptions options)
    {
        using var handle = new TableOptionsHandle();
        var table = handle.DangerousGetHandle();
        BlockBasedOptionsSetFormatVersion(table, TableFormatVersion);
        BlockBasedOptionsSetBlockSize(table, (nuint)options.BlockBytes);
        if (options.BloomBitsPerKey > 0)
        {
            // The table options take the policy over.
            BlockBasedOptionsSetFilterPolicy(table, FilterPolicyCreateBloomFull(options.BloomBitsPerKey));
        }

        if (options.BlockCache is { } blockCache)
        {
            using var cache = blockCache.Handle.Acquire();
            BlockBasedOptionsSetBlockCache(table, cache.Pointer);
            BlockBasedOptionsSetCacheIndexAndFilterBlocks(table, Byte(options.CacheIndexAndFilterBlocks));
            BlockBasedOptionsSetCacheIndexAndFilterBlocksWithHighPriority(table, 1);
            BlockBasedOptionsSetPinL0FilterAndIndexBlocksInCache(table, Byte(options.CacheIndexAndFilterBlocks));
            if (options.CacheIndexAndFilterBlocks)
            {
                // In parts: the filter of a large file as one block may not fit into a shard of the cache, and would be
                // read from the file again, whole, for every key.
                BlockBasedOptionsSetIndexType(table, TwoLevelIndex);
                BlockBasedOptionsSetPartitionFilters(table, 1);
                BlockBasedOptionsSetPinTopLevelIndexAndFilter(table, 1);
            }
        }
        else
        {
            // Otherwise the engine makes a cache of its own, outside of what the process accounts for.
            BlockBasedOptionsSetNoBlockCache(table, 1);
        }

        OptionsSetBlockBasedTableFactory(native, table);
    }

    private static byte Byte(bool value) => value ? (byte)1 : (byte)0;
}
