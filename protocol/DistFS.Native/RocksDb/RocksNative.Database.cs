using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <content>C API: opening, closing and what concerns the whole database.</content>
internal static unsafe partial class RocksNative
{
    [LibraryImport(Library, EntryPoint = "rocksdb_open_column_families")]
    internal static partial nint OpenColumnFamilies(
        nint options, byte* name, int count, byte** columnFamilyNames, nint* columnFamilyOptions,
        nint* columnFamilyHandles, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_open_for_read_only_column_families")]
    internal static partial nint OpenForReadOnlyColumnFamilies(
        nint options, byte* name, int count, byte** columnFamilyNames, nint* columnFamilyOptions,
        nint* columnFamilyHandles, byte errorIfWalFileExists, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_close")]
    internal static partial void Close(nint db);

    [LibraryImport(Library, EntryPoint = "rocksdb_list_column_families")]
    internal static partial byte** ListColumnFamilies(nint options, byte* name, nuint* count, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_list_column_families_destroy")]
    internal static partial void ListColumnFamiliesDestroy(byte** list, nuint length);

    [LibraryImport(Library, EntryPoint = "rocksdb_destroy_db")]
    internal static partial void DestroyDb(nint options, byte* name, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_create_column_family")]
    internal static partial nint CreateColumnFamily(
        nint db, nint columnFamilyOptions, byte* columnFamilyName, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_drop_column_family")]
    internal static partial void DropColumnFamily(nint db, nint handle, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_column_family_handle_destroy")]
    internal static partial void ColumnFamilyHandleDestroy(nint columnFamily);

    [LibraryImport(Library, EntryPoint = "rocksdb_column_family_handle_get_id")]
    internal static partial uint ColumnFamilyHandleGetId(nint handle);

    [LibraryImport(Library, EntryPoint = "rocksdb_flush_cf")]
    internal static partial void FlushCf(nint db, nint options, nint columnFamily, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_flush_wal")]
    internal static partial void FlushWal(nint db, byte sync, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_compact_range_cf_opt")]
    internal static partial void CompactRangeCfOpt(
        nint db, nint columnFamily, nint options, byte* startKey, nuint startKeyLength, byte* limitKey,
        nuint limitKeyLength);

    /// <summary>Names and values are arrays of pointers to texts.</summary>
    [LibraryImport(Library, EntryPoint = "rocksdb_set_options_cf")]
    internal static partial void SetOptionsCf(
        nint db, nint columnFamily, int count, nint* names, nint* values, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_delete_file_in_range_cf")]
    internal static partial void DeleteFileInRangeCf(
        nint db, nint columnFamily, byte* startKey, nuint startKeyLength, byte* limitKey, nuint limitKeyLength,
        byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_ingest_external_file_cf")]
    internal static partial void IngestExternalFileCf(
        nint db, nint handle, byte** files, nuint count, nint options, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_property_value")]
    internal static partial byte* PropertyValue(nint db, byte* name);

    [LibraryImport(Library, EntryPoint = "rocksdb_property_value_cf")]
    internal static partial byte* PropertyValueCf(nint db, nint columnFamily, byte* name);

    [LibraryImport(Library, EntryPoint = "rocksdb_property_int")]
    internal static partial int PropertyInt(nint db, byte* name, ulong* result);

    [LibraryImport(Library, EntryPoint = "rocksdb_property_int_cf")]
    internal static partial int PropertyIntCf(nint db, nint columnFamily, byte* name, ulong* result);

    [LibraryImport(Library, EntryPoint = "rocksdb_get_latest_sequence_number")]
    internal static partial ulong GetLatestSequenceNumber(nint db);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles")]
    internal static partial nint LiveFiles(nint db);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_count")]
    internal static partial int LiveFilesCount(nint files);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_column_family_name")]
    internal static partial byte* LiveFilesColumnFamilyName(nint files, int index);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_name")]
    internal static partial byte* LiveFilesName(nint files, int index);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_level")]
    internal static partial int LiveFilesLevel(nint files, int index);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_size")]
    internal static partial nuint LiveFilesSize(nint files, int index);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_smallestkey")]
    internal static partial byte* LiveFilesSmallestKey(nint files, int index, nuint* size);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_largestkey")]
    internal static partial byte* LiveFilesLargestKey(nint files, int index, nuint* size);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_entries")]
    internal static partial ulong LiveFilesEntries(nint files, int index);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_deletions")]
    internal static partial ulong LiveFilesDeletions(nint files, int index);

    [LibraryImport(Library, EntryPoint = "rocksdb_livefiles_destroy")]
    internal static partial void LiveFilesDestroy(nint files);

    [LibraryImport(Library, EntryPoint = "rocksdb_checkpoint_object_create")]
    internal static partial nint CheckpointObjectCreate(nint db, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_checkpoint_create")]
    internal static partial void CheckpointCreate(
        nint checkpoint, byte* checkpointDir, ulong logSizeForFlush, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_checkpoint_object_destroy")]
    internal static partial void CheckpointObjectDestroy(nint checkpoint);

    [LibraryImport(Library, EntryPoint = "rocksdb_create_snapshot")]
    internal static partial nint CreateSnapshot(nint db);

    [LibraryImport(Library, EntryPoint = "rocksdb_release_snapshot")]
    internal static partial void ReleaseSnapshot(nint db, nint snapshot);

    [LibraryImport(Library, EntryPoint = "rocksdb_free")]
    internal static partial void Free(void* pointer);
}
