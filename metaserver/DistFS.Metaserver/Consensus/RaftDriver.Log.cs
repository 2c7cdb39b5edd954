using DistFS.Primitives;
using DistFS.Raft;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Consensus;

/// <content>What it logs. Event ids are stable.</content>
public sealed partial class RaftDriver
{
    private void LogEvent(in RaftEvent happened)
    {
        switch (happened.Kind)
        {
            case RaftEventKind.MessageRefused or RaftEventKind.PeerAtFault:
                LogPeer(_options.Logger, Self, happened.Kind, happened.Member, happened.Index, happened.Text ?? "");
                break;
            case RaftEventKind.QuorumLost or RaftEventKind.Truncated or RaftEventKind.Removed
                or RaftEventKind.TransferFailed:
                LogUnusual(_options.Logger, Self, happened);
                break;
            default:
                LogUsual(_options.Logger, Self, happened);
                break;
        }
    }

    [LoggerMessage(1330, LogLevel.Information, "{Self} starts: {State}, log {Compacted}..{Last}, applied {Applied}")]
    private static partial void LogStarted(
        ILogger logger, MemberId self, HardState state, EntryId compacted, EntryId last, LogIndex applied);

    [LoggerMessage(1331, LogLevel.Warning, "{Self} found when it opened its store: {Finding}")]
    private static partial void LogFinding(ILogger logger, MemberId self, string finding);

    [LoggerMessage(1332, LogLevel.Information, "{Self}: {Event}")]
    private static partial void LogUsual(ILogger logger, MemberId self, RaftEvent @event);

    [LoggerMessage(1333, LogLevel.Warning, "{Self}: {Event}")]
    private static partial void LogUnusual(ILogger logger, MemberId self, RaftEvent @event);

    [LoggerMessage(1334, LogLevel.Warning, "{Self}: {Kind} {Peer} {Index}: {Text}")]
    private static partial void LogPeer(
        ILogger logger, MemberId self, RaftEventKind kind, MemberId peer, LogIndex index, string text);

    [LoggerMessage(1335, LogLevel.Error,
        "{Self}: the disk has not answered for {Stalled}; leadership goes to {Target}")]
    private static partial void LogDiskStalled(ILogger logger, MemberId self, TimeSpan stalled, MemberId target);

    [LoggerMessage(1336, LogLevel.Information, "{Self} makes a snapshot at {Last}")]
    private static partial void LogSnapshotBegun(ILogger logger, MemberId self, EntryId last);

    [LoggerMessage(1337, LogLevel.Information, "{Self} made a snapshot at {Last}, {SizeBytes} bytes")]
    private static partial void LogSnapshotMade(ILogger logger, MemberId self, EntryId last, long sizeBytes);

    [LoggerMessage(1338, LogLevel.Error, "{Self}: its snapshot is damaged; a new one will take its place")]
    private static partial void LogSnapshotDamaged(ILogger logger, Exception error, MemberId self);

    [LoggerMessage(1340, LogLevel.Information, "{Self} stops, and gives up its snapshot at {Last}")]
    private static partial void LogSnapshotGivenUp(ILogger logger, MemberId self, EntryId last);

    [LoggerMessage(1341, LogLevel.Error, "{Self}: its snapshot failed; the next attempt is in {Delay}")]
    private static partial void LogSnapshotFailed(ILogger logger, Exception error, MemberId self, TimeSpan delay);

    [LoggerMessage(1339, LogLevel.Critical, "{Code}: {Self} stops, and its process must end")]
    private static partial void LogFailed(ILogger logger, Exception error, MemberId self, string code);
}
