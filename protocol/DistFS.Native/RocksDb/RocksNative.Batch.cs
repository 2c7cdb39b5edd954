using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <content>C API: write batches and sorted files.</content>
internal static unsafe partial class RocksNative
{
    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_create")]
    internal static partial nint WriteBatchCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_destroy")]
    internal static partial void WriteBatchDestroy(nint batch);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_clear")]
    internal static partial void WriteBatchClear(nint batch);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_count")]
    internal static partial int WriteBatchCount(nint batch);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_put_cf")]
    internal static partial void WriteBatchPutCf(
        nint batch, nint columnFamily, byte* key, nuint keyLength, byte* value, nuint valueLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_delete_cf")]
    internal static partial void WriteBatchDeleteCf(nint batch, nint columnFamily, byte* key, nuint keyLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_delete_range_cf")]
    internal static partial void WriteBatchDeleteRangeCf(
        nint batch, nint columnFamily, byte* startKey, nuint startKeyLength, byte* endKey, nuint endKeyLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_data")]
    internal static partial byte* WriteBatchData(nint batch, nuint* size);

    [LibraryImport(Library, EntryPoint = "rocksdb_envoptions_create")]
    internal static partial nint EnvOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_envoptions_destroy")]
    internal static partial void EnvOptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_sstfilewriter_create")]
    internal static partial nint SstFileWriterCreate(nint env, nint ioOptions);

    [LibraryImport(Library, EntryPoint = "rocksdb_sstfilewriter_open")]
    internal static partial void SstFileWriterOpen(nint writer, byte* name, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_sstfilewriter_put")]
    internal static partial void SstFileWriterPut(
        nint writer, byte* key, nuint keyLength, byte* value, nuint valueLength, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_sstfilewriter_delete")]
    internal static partial void SstFileWriterDelete(nint writer, byte* key, nuint keyLength, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_sstfilewriter_delete_range")]
    internal static partial void SstFileWriterDeleteRange(
        nint writer, byte* beginKey, nuint beginKeyLength, byte* endKey, nuint endKeyLength, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_sstfilewriter_finish")]
    internal static partial void SstFileWriterFinish(nint writer, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_sstfilewriter_file_size")]
    internal static partial void SstFileWriterFileSize(nint writer, ulong* fileSize);

    [LibraryImport(Library, EntryPoint = "rocksdb_sstfilewriter_destroy")]
    internal static partial void SstFileWriterDestroy(nint writer);
}
