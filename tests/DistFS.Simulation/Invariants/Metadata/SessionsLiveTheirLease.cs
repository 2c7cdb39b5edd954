using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation;

/// <summary>
/// A session ends when it says so, or when by logged time nothing was heard of it for its lease, and a leader has led
/// for as long; none comes back. Logged time only grows.
/// </summary>
public sealed class SessionsLiveTheirLease : MetadataInvariant
{
    private readonly Dictionary<ulong, FileTime> _heard = [];
    private readonly HashSet<ulong> _begun = [];
    private FileTime _time;

    /// <inheritdoc/>
    public override string Name => "a session lives as long as its lease";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        Must(entry.Time >= _time, $"time goes from {_time} back to {entry.Time} at {entry.Index}");
        _time = entry.Time;
        foreach (var change in entry.Of(RowTable.Session))
        {
            var client = RowKey.InodeOf(change.Key).Value;
            if (change.After == null)
            {
                End(entry, client, SessionRow.Read(change.Before));
            }
            else if (change.Before == null)
            {
                Must(_begun.Add(client), $"{new ClientId(client)} begins at {entry.Index}, and did so before");
            }
        }

        // By the command and not by the row, which is what is in question.
        var isHeard = entry.Command.KindCase == MetadataCommand.KindOneofCase.KeepAlive && entry.Reply.Status == 0;
        if (isHeard || (entry.Reply.Mutate != null && IsSavedBy(entry)))
        {
            _heard[entry.Command.Client] = entry.Time;
        }
        else if (entry.Reply.OpenSession is { } opened)
        {
            _heard[opened.Client] = entry.Time;
        }
    }

    /// <summary>Whether the entry's own reply is there since it: it was executed, and is no repetition.</summary>
    private static bool IsSavedBy(MetadataEntry entry) =>
        entry.Of(RowTable.Reply).Any(static row => row.Before == null)
        || entry.Of(RowTable.Session).Any(row => !Has(row.Before, entry) && Has(row.After, entry));

    private static bool Has(byte[]? session, MetadataEntry entry) =>
        session != null
        && new SavedReplies(session.AsSpan(SessionRow.SizeBytes)).TryFind(entry.Command.Sequence, out _, out _);

    private void End(MetadataEntry entry, ulong client, SessionRow session)
    {
        if (entry.Command.KindCase == MetadataCommand.KindOneofCase.EndSession)
        {
            Must(entry.Command.Client == client, $"{client} is ended by {entry.Command.Client} at {entry.Index}");
            return;
        }

        Must(
            entry.Command.KindCase == MetadataCommand.KindOneofCase.ExpireSessions,
            $"{client} ends at {entry.Index}, a {entry.Command.KindCase}");
        var ends = _heard[client].Plus(TimeSpan.FromMilliseconds(session.LeaseMs));
        Must(ends <= entry.Time, $"{client} ends at {entry.Time}, and has until {ends}");
        Must(
            entry.Command.ExpireSessions.LedMs >= session.LeaseMs,
            $"{client} with a lease of {session.LeaseMs} ms is ended by who led {entry.Command.ExpireSessions.LedMs}");
    }
}
