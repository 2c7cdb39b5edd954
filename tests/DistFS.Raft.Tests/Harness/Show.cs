using System.Text;

namespace DistFS.Raft.Tests.Harness;

/// <summary>Messages and entries as a person reads them.</summary>
internal static class Show
{
    public static string Entry(RaftEntry entry) => entry.Kind switch
    {
        EntryKind.NoOp => $"{entry.Id} no-op",
        EntryKind.Configuration => RaftCodec.TryDecode(entry.Data.Span, out var configuration, out _)
            ? $"{entry.Id} {configuration}"
            : $"{entry.Id} unreadable",
        _ => entry.Data.Length > 20
            ? $"{entry.Id} {entry.Data.Length}B" : $"{entry.Id} {Encoding.UTF8.GetString(entry.Data.Span)}",
    };

    public static string Message(RaftMessage message) => $"{message.From}->{message.To} {message.Term} {Body(message)}";

    private static string Body(RaftMessage message) => message switch
    {
        VoteRequest r =>
            $"{(r.IsPreVote ? "would you vote" : "vote")}? log ends {r.Last}{(r.IsTransfer ? " (transfer)" : "")}",
        VoteReply r => $"{(r.IsPreVote ? "would vote" : "vote")}: {(r.Granted ? "yes" : "no")}",
        AppendRequest r =>
            $"append after {r.Previous}: [{string.Join(", ", r.Entries.Select(Entry))}] commit {r.Commit}",
        AppendReply { Rejected: true } r => $"lacks {r.Index}, maybe agrees at {r.Hint}",
        AppendReply r => $"has {r.Index}",
        Heartbeat r => $"heartbeat commit {r.Commit} round {r.ReadRound}",
        HeartbeatReply r => $"alive, log ends {r.LastIndex}, round {r.ReadRound}{(r.IsWhole ? "" : ", not whole")}",
        SnapshotPiece r =>
            $"snapshot {r.Snapshot.Last} bytes {r.Offset}..{r.Offset + r.Length} of {r.Snapshot.SizeBytes}",
        SnapshotReply { Installed: true } r => $"installed, has {r.Match}",
        SnapshotReply r => $"wants bytes from {r.NextOffset}",
        ReadIndexRequest r => $"where may I read? ({Context(r.ReadId)})",
        ReadIndexReply r => $"read at {r.Index} ({Context(r.ReadId)})",
        TimeoutNow => "take over now",
        _ => message.GetType().Name,
    };

    // The number of a batch may start anywhere.
    private static string Context(ulong readId) => readId > 1_000_000 ? "batch" : $"batch {readId}";
}
