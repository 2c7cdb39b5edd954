using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <content>C API: reads, writes and iterators.</content>
internal static unsafe partial class RocksNative
{
    [LibraryImport(Library, EntryPoint = "rocksdb_get_pinned_cf")]
    internal static partial nint GetPinnedCf(
        nint db, nint options, nint columnFamily, byte* key, nuint keyLength, byte** error);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_pinnableslice_value")]
    internal static partial byte* PinnableSliceValue(nint slice, nuint* valueLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_pinnableslice_destroy")]
    internal static partial void PinnableSliceDestroy(nint slice);

    [LibraryImport(Library, EntryPoint = "rocksdb_batched_multi_get_cf")]
    internal static partial void BatchedMultiGetCf(
        nint db, nint options, nint columnFamily, nuint count, byte** keys, nuint* keyLengths, nint* values,
        byte** errors, byte sortedInput);

    [LibraryImport(Library, EntryPoint = "rocksdb_put_cf")]
    internal static partial void PutCf(
        nint db, nint options, nint columnFamily, byte* key, nuint keyLength, byte* value, nuint valueLength,
        byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_delete_cf")]
    internal static partial void DeleteCf(
        nint db, nint options, nint columnFamily, byte* key, nuint keyLength, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_delete_range_cf")]
    internal static partial void DeleteRangeCf(
        nint db, nint options, nint columnFamily, byte* startKey, nuint startKeyLength, byte* endKey,
        nuint endKeyLength, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_write")]
    internal static partial void Write(nint db, nint options, nint batch, byte** error);

    [LibraryImport(Library, EntryPoint = "rocksdb_create_iterator_cf")]
    internal static partial nint CreateIteratorCf(nint db, nint options, nint columnFamily);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_destroy")]
    internal static partial void IterDestroy(nint iterator);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_iter_valid")]
    internal static partial byte IterValid(nint iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_seek_to_first")]
    internal static partial void IterSeekToFirst(nint iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_seek_to_last")]
    internal static partial void IterSeekToLast(nint iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_seek")]
    internal static partial void IterSeek(nint iterator, byte* key, nuint keyLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_seek_for_prev")]
    internal static partial void IterSeekForPrev(nint iterator, byte* key, nuint keyLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_next")]
    internal static partial void IterNext(nint iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_prev")]
    internal static partial void IterPrev(nint iterator);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_iter_key")]
    internal static partial byte* IterKey(nint iterator, nuint* keyLength);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_iter_value")]
    internal static partial byte* IterValue(nint iterator, nuint* valueLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_get_error")]
    internal static partial void IterGetError(nint iterator, byte** error);
}
