using DistFS.Primitives;

namespace DistFS.Native.RocksDb;

/// <summary>
/// An error of RocksDB. The subclasses say which kind; <see cref="EngineText"/> is what RocksDB itself said.
/// </summary>
public abstract class RocksDbException : DistFsException
{
    private protected RocksDbException(ErrorCode code, string path, string engineText, FsStatus? status = null)
        : base(code, $"{code.Title}: {path}: {engineText}", null, status)
    {
        Path = path;
        EngineText = engineText;
    }

    /// <summary>The folder or file.</summary>
    public string Path { get; }

    /// <summary>The error as RocksDB worded it.</summary>
    public string EngineText { get; }
}

/// <summary>
/// The folder is open elsewhere, in this process or another (<see cref="ErrorCatalog.StoreLocked"/>).
/// </summary>
public sealed class StoreLockedException : RocksDbException
{
    internal StoreLockedException(string path, string engineText)
        : base(ErrorCatalog.StoreLocked, path, engineText)
    {
    }
}

/// <summary>Files are damaged or lost (<see cref="ErrorCatalog.StoreCorrupt"/>).</summary>
public sealed class StoreCorruptException : RocksDbException
{
    internal StoreCorruptException(string path, string engineText)
        : base(ErrorCatalog.StoreCorrupt, path, engineText)
    {
    }
}

/// <summary>Another version wrote the folder, or it holds no store (<see cref="ErrorCatalog.StoreVersion"/>).</summary>
public sealed class StoreVersionException : RocksDbException
{
    internal StoreVersionException(string path, string engineText)
        : base(ErrorCatalog.StoreVersion, path, engineText)
    {
    }
}

/// <summary>The disk is full (<see cref="ErrorCatalog.StoreFull"/>).</summary>
public sealed class StoreFullException : RocksDbException
{
    internal StoreFullException(string path, string engineText)
        : base(ErrorCatalog.StoreFull, path, engineText)
    {
    }
}

/// <summary>
/// A read or write of the disk failed (<see cref="ErrorCatalog.StoreIo"/>). After a failed write or fsync the engine
/// refuses further writes until the store is opened again.
/// </summary>
public sealed class StoreIoException : RocksDbException
{
    internal StoreIoException(string path, string engineText)
        : base(ErrorCatalog.StoreIo, path, engineText)
    {
    }
}

/// <summary>The engine refused a call as wrong in this state (<see cref="ErrorCatalog.StoreRefused"/>).</summary>
public sealed class StoreRefusedException : RocksDbException
{
    internal StoreRefusedException(string path, string engineText, FsStatus status = FsStatus.Invalid)
        : base(ErrorCatalog.StoreRefused, path, engineText, status)
    {
    }
}
