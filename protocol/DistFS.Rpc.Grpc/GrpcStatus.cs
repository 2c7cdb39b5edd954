using DistFS.Primitives;

namespace DistFS.Rpc.Grpc;

/// <summary>The status codes of gRPC (grpc/grpc, doc/statuscodes.md).</summary>
public enum GrpcStatus
{
    /// <summary>Success.</summary>
    Ok = 0,

    /// <summary>By the caller.</summary>
    Cancelled = 1,

    /// <summary>The server failed in an unexpected way.</summary>
    Unknown = 2,

    /// <summary>Wrong in any state of the system.</summary>
    InvalidArgument = 3,

    /// <summary>Too late; the outcome is unknown.</summary>
    DeadlineExceeded = 4,

    /// <summary>No such object.</summary>
    NotFound = 5,

    /// <summary>The object exists.</summary>
    AlreadyExists = 6,

    /// <summary>The caller may not.</summary>
    PermissionDenied = 7,

    /// <summary>A quota, a disk or a limit.</summary>
    ResourceExhausted = 8,

    /// <summary>Not in this state of the system.</summary>
    FailedPrecondition = 9,

    /// <summary>A conflict; repeat at a higher level.</summary>
    Aborted = 10,

    /// <summary>Past the end.</summary>
    OutOfRange = 11,

    /// <summary>No such method, or not supported.</summary>
    Unimplemented = 12,

    /// <summary>An invariant or a device failed.</summary>
    Internal = 13,

    /// <summary>Repeat later.</summary>
    Unavailable = 14,

    /// <summary>Data is damaged.</summary>
    DataLoss = 15,

    /// <summary>The caller is not who it says.</summary>
    Unauthenticated = 16,
}

/// <summary>Translates our status to that of gRPC, where several of ours share one.</summary>
internal static class GrpcStatusMap
{
    public static GrpcStatus ToGrpc(RpcException error)
    {
        if (error.Code == ErrorCatalog.Unauthenticated)
        {
            return GrpcStatus.Unauthenticated;
        }

        return error.Code == ErrorCatalog.HandlerFailed ? GrpcStatus.Unknown : ToGrpc(error.Status);
    }

    public static GrpcStatus ToGrpc(FsStatus status) => status switch
    {
        FsStatus.Ok => GrpcStatus.Ok,
        FsStatus.Cancelled or FsStatus.Interrupted => GrpcStatus.Cancelled,
        FsStatus.Invalid or FsStatus.NameTooLong or FsStatus.BadHandle or FsStatus.IllegalSeek
            or FsStatus.ProtocolError => GrpcStatus.InvalidArgument,
        FsStatus.TimedOut => GrpcStatus.DeadlineExceeded,
        FsStatus.NotFound or FsStatus.NoData or FsStatus.NoSuchDevice => GrpcStatus.NotFound,
        FsStatus.AlreadyExists => GrpcStatus.AlreadyExists,
        FsStatus.AccessDenied or FsStatus.NotPermitted or FsStatus.ReadOnly => GrpcStatus.PermissionDenied,
        FsStatus.NoSpace or FsStatus.QuotaExceeded or FsStatus.MessageTooLarge or FsStatus.OutOfMemory
            or FsStatus.TooManyOpenFiles or FsStatus.TooManyLinks or FsStatus.NoLocks
            or FsStatus.FileTooLarge => GrpcStatus.ResourceExhausted,
        FsStatus.NotEmpty or FsStatus.Busy or FsStatus.NotADirectory or FsStatus.IsADirectory or FsStatus.CrossDevice
            or FsStatus.TextBusy or FsStatus.SymlinkLoop => GrpcStatus.FailedPrecondition,
        FsStatus.Deadlock or FsStatus.Stale or FsStatus.OwnerDied => GrpcStatus.Aborted,
        FsStatus.OutOfRange or FsStatus.Overflow => GrpcStatus.OutOfRange,
        FsStatus.NotImplemented or FsStatus.NotSupported => GrpcStatus.Unimplemented,
        FsStatus.TryAgain or FsStatus.NotConnected or FsStatus.ConnectionReset or FsStatus.ConnectionRefused
            or FsStatus.Unreachable or FsStatus.AddressInUse => GrpcStatus.Unavailable,
        FsStatus.Corrupt => GrpcStatus.DataLoss,
        _ => GrpcStatus.Internal,
    };

    /// <summary>For a status that came without our own: from a proxy, or another server.</summary>
    public static (ErrorCode Code, FsStatus Status) FromGrpc(GrpcStatus status) => status switch
    {
        GrpcStatus.Cancelled => (ErrorCatalog.Cancelled, FsStatus.Cancelled),
        GrpcStatus.InvalidArgument => (ErrorCatalog.BadRequest, FsStatus.Invalid),
        GrpcStatus.DeadlineExceeded => (ErrorCatalog.DeadlineExceeded, FsStatus.TimedOut),
        GrpcStatus.NotFound => (ErrorCatalog.HandlerFailed, FsStatus.NotFound),
        GrpcStatus.AlreadyExists => (ErrorCatalog.HandlerFailed, FsStatus.AlreadyExists),
        GrpcStatus.PermissionDenied => (ErrorCatalog.HandlerFailed, FsStatus.AccessDenied),
        GrpcStatus.ResourceExhausted => (ErrorCatalog.Overloaded, FsStatus.TryAgain),
        GrpcStatus.Unimplemented => (ErrorCatalog.UnknownMethod, FsStatus.NotImplemented),
        GrpcStatus.Unavailable => (ErrorCatalog.ConnectionLost, FsStatus.ConnectionReset),
        GrpcStatus.Unauthenticated => (ErrorCatalog.Unauthenticated, FsStatus.AccessDenied),
        _ => (ErrorCatalog.HandlerFailed, FsStatus.IoError),
    };
}
