using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Rpc;

/// <summary>A call, or the connection under it, failed.</summary>
public sealed class RpcException : DistFsException
{
    /// <summary>Creates the error.</summary>
    /// <param name="code">What happened, in general.</param>
    /// <param name="message">What happened here.</param>
    /// <param name="inner">The cause.</param>
    /// <param name="status">More precise than the code's own.</param>
    /// <param name="outcomeUnknown">The operation may have been done nevertheless.</param>
    public RpcException(
        ErrorCode code,
        string message,
        Exception? inner = null,
        FsStatus? status = null,
        bool outcomeUnknown = false)
        : base(code, message, inner, status) => OutcomeUnknown = outcomeUnknown;

    /// <summary>
    /// True when the request may have been carried out although no answer came: repeat it only if it is idempotent or
    /// carries a request id. False means that it was not done.
    /// </summary>
    public bool OutcomeUnknown { get; }

    // A peer's text goes into logs and terminals: no essays.
    private const int PeerTextMax = 4096;

    /// <summary>What a peer reported; a code of a newer version keeps its number in the message.</summary>
    public static RpcException FromInfo(ErrorInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        var status = FsStatusMap.IsKnown((FsStatus)info.Status) && info.Status != 0
            ? (FsStatus)info.Status
            : FsStatus.IoError;
        var message = info.Message.Length <= PeerTextMax ? info.Message : info.Message[..PeerTextMax] + "...";
        return ErrorCatalog.TryFind($"DFS{info.Code:0000}", out var code)
            ? new RpcException(code, message, null, status, info.OutcomeUnknown)
            : new RpcException(
                ErrorCatalog.HandlerFailed, $"DFS{info.Code:0000}: {message}", null, status, info.OutcomeUnknown);
    }

    /// <summary>How an exception of a handler is told to the caller. The text of unexpected ones stays here.</summary>
    public static ErrorInfo ToInfo(Exception exception) => exception switch
    {
        RpcException e => Info(e.Code, e.Status, e.Message, e.OutcomeUnknown),
        DistFsException e => Info(e.Code, e.Status, e.Message, outcomeUnknown: false),
        OperationCanceledException => Info(
            ErrorCatalog.Cancelled, FsStatus.Cancelled, "The call was cancelled.", outcomeUnknown: true),
        _ => Info(
            ErrorCatalog.HandlerFailed,
            FsStatus.IoError,
            "The server failed to handle the call.",
            outcomeUnknown: true),
    };

    private static ErrorInfo Info(ErrorCode code, FsStatus status, string message, bool outcomeUnknown) => new()
    {
        Code = (uint)code.Number,
        Status = (int)status,
        Message = message,
        OutcomeUnknown = outcomeUnknown,
    };
}
