using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Consensus;

/// <content>What it logs. Event ids are stable.</content>
public sealed partial class RaftTransport
{
    [LoggerMessage(1350, LogLevel.Warning, "{Self} cannot reach {Peer} ({Lane}): {Reason}")]
    internal static partial void LogLost(ILogger logger, MemberId self, MemberId peer, Lane lane, string reason);

    [LoggerMessage(1351, LogLevel.Information, "{Self} reaches {Peer} again ({Lane})")]
    internal static partial void LogReached(ILogger logger, MemberId self, MemberId peer, Lane lane);

    [LoggerMessage(1352, LogLevel.Error, "{Code}: {Self} refused messages from {Peer}: {Reason}")]
    private static partial void LogRefused(ILogger logger, MemberId self, string code, RpcPeer peer, string reason);

    [LoggerMessage(1353, LogLevel.Error,
        "{Self}: the address of {Peer}, '{Address}', cannot be read: it is not called")]
    private static partial void LogAddress(ILogger logger, MemberId self, MemberId peer, string address);
}
