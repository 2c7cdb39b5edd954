using System.Net;
using Microsoft.Extensions.Logging;

namespace DistFS.Rpc.Frames;

/// <content>What it logs. Event ids are stable.</content>
public sealed partial class FrameServer
{
    private void LogAcceptFailed(Exception error) => LogAcceptFailed(_options.Logger, error);

    private void LogTooManyConnections(int limit, EndPoint? peer) =>
        LogTooManyConnections(_options.Logger, limit, peer);

    private void LogConnectionFault(Exception error, string code, RpcPeer peer) =>
        LogConnectionFault(_options.Logger, code, peer, error.Message);

    private void LogHandshakeFailed(Exception error, EndPoint? peer) =>
        LogHandshakeFailed(_options.Logger, peer, error.Message);

    private void LogHandlersRun(TimeSpan limit) => LogHandlersRun(_options.Logger, limit);

    [LoggerMessage(1210, LogLevel.Warning, "Accepting a connection failed")]
    private static partial void LogAcceptFailed(ILogger logger, Exception error);

    [LoggerMessage(1211, LogLevel.Warning, "More than {Limit} connections: {Peer} was turned away")]
    private static partial void LogTooManyConnections(ILogger logger, int limit, EndPoint? peer);

    [LoggerMessage(1212, LogLevel.Information, "{Code}: connection of {Peer} ended: {Reason}")]
    private static partial void LogConnectionFault(ILogger logger, string code, RpcPeer peer, string reason);

    [LoggerMessage(1213, LogLevel.Information, "Connection of {Peer} failed before its handshake: {Reason}")]
    private static partial void LogHandshakeFailed(ILogger logger, EndPoint? peer, string reason);

    [LoggerMessage(1214, LogLevel.Error, "Handlers still run {Limit} after they were cancelled; they are left behind")]
    private static partial void LogHandlersRun(ILogger logger, TimeSpan limit);
}
