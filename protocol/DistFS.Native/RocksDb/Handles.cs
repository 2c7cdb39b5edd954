using System.Runtime.InteropServices;

namespace DistFS.Native.RocksDb;

/// <summary>Owns one native object; it is freed once, after the last <see cref="Lease"/> on it has ended.</summary>
internal abstract class RocksHandle : SafeHandle
{
    // A SafeHandle that was disposed while references are left still gives out new ones; here it must not.
    private volatile bool _disposed;

    protected RocksHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>
    /// Keeps the object alive for one call, so that a Dispose in another thread cannot free it meanwhile.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The object was disposed.</exception>
    public Lease Acquire()
    {
        ThrowIfDisposed();
        return new Lease(this);
    }

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    protected override void Dispose(bool disposing)
    {
        _disposed = true;
        base.Dispose(disposing);
    }
}

/// <summary>A reference for the length of a <c>using</c>.</summary>
internal readonly ref struct Lease
{
    private readonly RocksHandle _handle;

    public Lease(RocksHandle handle)
    {
        var added = false;
        handle.DangerousAddRef(ref added);
        _handle = handle;
    }

    public nint Pointer => _handle.DangerousGetHandle();

    public void Dispose() => _handle.DangerousRelease();
}

/// <summary>
/// Owns an object that must be freed before its parent: it keeps the parent alive, whichever of the two is disposed, or
/// finalized, first.
/// </summary>
internal abstract class ChildHandle : RocksHandle
{
    private readonly RocksHandle _parent;

    // Invariant: the parent's count holds one reference for this object from here until ReleaseHandle.
    protected ChildHandle(RocksHandle parent)
    {
        var added = false;
        parent.DangerousAddRef(ref added);
        _parent = parent;
    }

    protected RocksHandle Parent => _parent;

    protected override bool ReleaseHandle()
    {
        Destroy();
        _parent.DangerousRelease();
        return true;
    }

    /// <summary>
    /// To be called by a constructor that could not create its object: an invalid handle is never released, and the
    /// reference on the parent would stay.
    /// </summary>
    protected void Abandon()
    {
        _parent.DangerousRelease();
        SetHandleAsInvalid();
    }

    protected abstract void Destroy();
}

internal sealed class OptionsHandle : RocksHandle
{
    public OptionsHandle() => SetHandle(RocksNative.OptionsCreate());

    protected override bool ReleaseHandle()
    {
        RocksNative.OptionsDestroy(handle);
        return true;
    }
}

internal sealed class TableOptionsHandle : RocksHandle
{
    public TableOptionsHandle() => SetHandle(RocksNative.BlockBasedOptionsCreate());

    protected override bool ReleaseHandle()
    {
        RocksNative.BlockBasedOptionsDestroy(handle);
        return true;
    }
}

internal sealed class CacheHandle : RocksHandle
{
    public CacheHandle(nuint bytes) => SetHandle(RocksNative.CacheCreateLru(bytes));

    protected override bool ReleaseHandle()
    {
        RocksNative.CacheDestroy(handle);
        return true;
    }
}

internal sealed class WriteOptionsHandle : RocksHandle
{
    public WriteOptionsHandle() => SetHandle(RocksNative.WriteOptionsCreate());

    protected override bool ReleaseHandle()
    {
        RocksNative.WriteOptionsDestroy(handle);
        return true;
    }
}

internal sealed class FlushOptionsHandle : RocksHandle
{
    public FlushOptionsHandle() => SetHandle(RocksNative.FlushOptionsCreate());

    protected override bool ReleaseHandle()
    {
        RocksNative.FlushOptionsDestroy(handle);
        return true;
    }
}

internal sealed class CompactOptionsHandle : RocksHandle
{
    public CompactOptionsHandle() => SetHandle(RocksNative.CompactOptionsCreate());

    protected override bool ReleaseHandle()
    {
        RocksNative.CompactOptionsDestroy(handle);
        return true;
    }
}

internal sealed class IngestOptionsHandle : RocksHandle
{
    public IngestOptionsHandle() => SetHandle(RocksNative.IngestOptionsCreate());

    protected override bool ReleaseHandle()
    {
        RocksNative.IngestOptionsDestroy(handle);
        return true;
    }
}

internal sealed class WriteBatchHandle : RocksHandle
{
    public WriteBatchHandle() => SetHandle(RocksNative.WriteBatchCreate());

    protected override bool ReleaseHandle()
    {
        RocksNative.WriteBatchDestroy(handle);
        return true;
    }
}

internal sealed class LiveFilesHandle : RocksHandle
{
    public LiveFilesHandle(nint files) => SetHandle(files);

    protected override bool ReleaseHandle()
    {
        RocksNative.LiveFilesDestroy(handle);
        return true;
    }
}

/// <summary>A value in the engine's memory: a block of the cache, or a copy of the engine's own.</summary>
internal sealed class PinnedHandle : ChildHandle
{
    public PinnedHandle(DbHandle db, nint slice)
        : base(db) => SetHandle(slice);

    protected override void Destroy() => RocksNative.PinnableSliceDestroy(handle);
}

internal sealed class SnapshotHandle : ChildHandle
{
    public SnapshotHandle(DbHandle db)
        : base(db) => SetHandle(RocksNative.CreateSnapshot(db.DangerousGetHandle()));

    protected override void Destroy() => RocksNative.ReleaseSnapshot(Parent.DangerousGetHandle(), handle);
}

internal sealed unsafe class CheckpointHandle : ChildHandle
{
    public CheckpointHandle(DbHandle db)
        : base(db)
    {
        byte* error = null;
        var pointer = RocksNative.CheckpointObjectCreate(db.DangerousGetHandle(), &error);
        if (error is not null)
        {
            Abandon();
            throw RocksDbErrors.Take(error, db.Path);
        }

        SetHandle(pointer);
    }

    protected override void Destroy() => RocksNative.CheckpointObjectDestroy(handle);
}
