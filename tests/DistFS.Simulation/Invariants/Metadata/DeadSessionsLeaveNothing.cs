using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// Opens and locks are of sessions that live, or of ones that collection has still to clear away; when a step says that
/// there is no more to do, none is left of a dead one.
/// </summary>
public sealed class DeadSessionsLeaveNothing : MetadataInvariant
{
    private readonly SortedSet<ulong> _live = [];
    private readonly SortedSet<ulong> _ended = [];
    private readonly SortedDictionary<ulong, int> _rows = [];

    /// <inheritdoc/>
    public override string Name => "of a dead session nothing is left";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        Follow(entry, RowTable.Session, _live);
        Follow(entry, RowTable.EndedSession, _ended);
        foreach (var change in entry.Of(RowTable.SessionOpen).Concat(entry.Of(RowTable.SessionLock)))
        {
            var client = RowKey.InodeOf(change.Key).Value;
            _rows[client] = _rows.GetValueOrDefault(client) + (change.After != null ? 1 : -1);
            if (_rows[client] == 0)
            {
                _rows.Remove(client);
            }
        }

        foreach (var client in _rows.Keys)
        {
            Must(
                _live.Contains(client) || _ended.Contains(client),
                $"{new ClientId(client)} is dead after {entry.Index}, and has {_rows[client]} opens and locks");
        }

        if (entry.Reply.Collect is { More: false })
        {
            Must(_ended.Count == 0, $"collection is done at {entry.Index}, but for {_ended.Count} sessions");
        }
    }

    private static void Follow(MetadataEntry entry, RowTable table, SortedSet<ulong> clients)
    {
        foreach (var change in entry.Of(table))
        {
            var client = RowKey.InodeOf(change.Key).Value;
            _ = change.After != null ? clients.Add(client) : clients.Remove(client);
        }
    }
}
