using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <summary>
/// <see cref="ReadSettings"/> in the engine's form. Making one costs an allocation there, so keep it for many reads.
/// Safe for concurrent use. Keeps its snapshot, and with it the database, open until it is disposed.
/// </summary>
public sealed class ReadOptions : IDisposable
{
    /// <summary>Makes the engine's form of <paramref name="settings"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative read-ahead.</exception>
    /// <exception cref="ObjectDisposedException">The snapshot was disposed.</exception>
    public ReadOptions(ReadSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentOutOfRangeException.ThrowIfNegative(settings.ReadaheadBytes);
        NativeLibraries.RocksDb.Require();
        Settings = settings;
        Handle = new ReadOptionsHandle(settings);
    }

    /// <summary>What this was made from.</summary>
    public ReadSettings Settings { get; }

    internal ReadOptionsHandle Handle { get; }

    /// <summary>Iterators that were made with it go on.</summary>
    public void Dispose() => Handle.Dispose();
}

/// <summary>
/// Owns read options, the memory of their bounds (the engine keeps only pointers), and a hold on the snapshot.
/// </summary>
internal sealed unsafe class ReadOptionsHandle : RocksHandle
{
    private readonly SnapshotHandle? _snapshot;
    private byte* _lower;
    private byte* _upper;

    public ReadOptionsHandle(ReadSettings settings)
    {
        if (settings.Snapshot is { } snapshot)
        {
            snapshot.Handle.ThrowIfDisposed();
            var added = false;
            snapshot.Handle.DangerousAddRef(ref added);
            _snapshot = snapshot.Handle;
            SnapshotOwner = snapshot.Owner;
        }

        SetHandle(RocksNative.ReadOptionsCreate());
        RocksNative.ReadOptionsSetVerifyChecksums(handle, settings.VerifyChecksums ? (byte)1 : (byte)0);
        RocksNative.ReadOptionsSetFillCache(handle, settings.FillCache ? (byte)1 : (byte)0);
        RocksNative.ReadOptionsSetReadaheadSize(handle, (nuint)settings.ReadaheadBytes);
        RocksNative.ReadOptionsSetPrefixSameAsStart(handle, settings.PrefixSameAsStart ? (byte)1 : (byte)0);

        // Without this an iterator over a family with a prefix extractor silently skips keys of other prefixes.
        RocksNative.ReadOptionsSetTotalOrderSeek(handle, settings.PrefixSameAsStart ? (byte)0 : (byte)1);
        if (_snapshot is not null)
        {
            RocksNative.ReadOptionsSetSnapshot(handle, _snapshot.DangerousGetHandle());
        }

        if (settings.LowerBound is { } lower)
        {
            _lower = Copy(lower.Span);
            RocksNative.ReadOptionsSetIterateLowerBound(handle, _lower, (nuint)lower.Length);
        }

        if (settings.UpperBound is { } upper)
        {
            _upper = Copy(upper.Span);
            RocksNative.ReadOptionsSetIterateUpperBound(handle, _upper, (nuint)upper.Length);
        }
    }

    /// <summary>The database of the snapshot; null without one.</summary>
    public DbHandle? SnapshotOwner { get; }

    protected override bool ReleaseHandle()
    {
        RocksNative.ReadOptionsDestroy(handle);
        NativeMemory.Free(_lower);
        NativeMemory.Free(_upper);
        _snapshot?.DangerousRelease();
        return true;
    }

    private static byte* Copy(ReadOnlySpan<byte> bound)
    {
        var copy = (byte*)NativeMemory.Alloc((nuint)Math.Max(1, bound.Length));
        bound.CopyTo(new Span<byte>(copy, bound.Length));
        return copy;
    }
}
