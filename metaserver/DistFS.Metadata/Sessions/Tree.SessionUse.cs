using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>What sessions have open and locked, counted.</content>
public sealed partial class Tree
{
    /// <summary>How much a session has.</summary>
    internal SessionUseRow SessionUse(ClientId client) =>
        TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.SessionUse, new InodeId(client.Value)))
            ? SessionUseRow.Read(_value.WrittenSpan) : default;

    /// <summary>A session has more, or less.</summary>
    internal void ChangeUse(ClientId client, int opens, int locks)
    {
        if (opens == 0 && locks == 0)
        {
            return;
        }

        var before = SessionUse(client);
        var after = new SessionUseRow(
            checked((uint)(before.Opens + opens)), checked((uint)(before.Locks + locks)));
        var key = RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.SessionUse, new InodeId(client.Value));
        if (after == default)
        {
            changes.Delete(key);
            return;
        }

        Span<byte> row = stackalloc byte[SessionUseRow.SizeBytes];
        after.Write(row);
        changes.Put(key, row);
    }
}
