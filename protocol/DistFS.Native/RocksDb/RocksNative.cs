namespace DistFS.Native.RocksDb;

/// <summary>
/// The C API of RocksDB (rocksdb/c.h), only what is used. Its conventions: objects are opaque pointers (here
/// <see cref="nint"/>, owned by the handles of <c>Handles.cs</c>); bytes are a pointer and a length; a bool is one
/// byte; an error is a string that the library allocated and the caller frees (<see cref="RocksDbErrors"/>).
/// </summary>
/// <remarks>
/// Every signature was generated from c.h of RocksDB 7.8.3. <c>SuppressGCTransition</c> stands only on functions that
/// return a field: they neither block, nor allocate, nor call back.
/// </remarks>
internal static unsafe partial class RocksNative
{
    private const string Library = NativeLibraries.RocksDbName;

    // Before the first call of any function the resolver must be in place.
    static RocksNative() => NativeLibraries.Register();
}
