namespace DistFS.Native.RocksDb;

/// <summary>
/// A cache of decoded blocks (LRU, sharded), which several column families and databases may share, so that one number
/// bounds the memory of a process. May be disposed while databases use it: they hold it too.
/// </summary>
public sealed class BlockCache : IDisposable
{
    /// <summary>Creates an empty cache.</summary>
    /// <param name="bytes">Its capacity; pinned values and iterators may hold more for a while.</param>
    public BlockCache(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        NativeLibraries.RocksDb.Require();
        Handle = new CacheHandle(checked((nuint)bytes));
    }

    /// <summary>The capacity in bytes; may be changed at any time.</summary>
    public long CapacityBytes
    {
        get
        {
            using var cache = Handle.Acquire();
            return checked((long)RocksNative.CacheGetCapacity(cache.Pointer));
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            using var cache = Handle.Acquire();
            RocksNative.CacheSetCapacity(cache.Pointer, checked((nuint)value));
        }
    }

    /// <summary>Bytes in the cache.</summary>
    public long UsedBytes
    {
        get
        {
            using var cache = Handle.Acquire();
            return checked((long)RocksNative.CacheGetUsage(cache.Pointer));
        }
    }

    /// <summary>Bytes that cannot be evicted, since a read or an iterator holds them.</summary>
    public long PinnedBytes
    {
        get
        {
            using var cache = Handle.Acquire();
            return checked((long)RocksNative.CacheGetPinnedUsage(cache.Pointer));
        }
    }

    internal CacheHandle Handle { get; }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
