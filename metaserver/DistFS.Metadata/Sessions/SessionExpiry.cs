using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Sessions;

/// <summary>Looks for sessions whose time is over, so that an idle cluster writes nothing for looking.</summary>
public static class SessionExpiry
{
    /// <summary>Whether an <c>ExpireSessionsRequest</c> at that time would end or forget any session.</summary>
    /// <param name="store">The state, everything published.</param>
    /// <param name="now">The time that the entry would have.</param>
    /// <param name="led">How long the asking leader leads; see <c>ExpireSessionsRequest.led_ms</c>.</param>
    public static bool IsDue(IOrderedStore store, FileTime now, TimeSpan led)
    {
        ArgumentNullException.ThrowIfNull(store);
        return IsDue(store, RowTable.Session, now, led) || IsDue(store, RowTable.EndedHolder, now, led);
    }

    private static bool IsDue(IOrderedStore store, RowTable table, FileTime now, TimeSpan led)
    {
        var isDue = false;
        store.Scan([(byte)table], [(byte)((byte)table + 1)], (_, value) =>
        {
            isDue = SessionRow.Read(value).IsOver(now, (ulong)led.TotalMilliseconds);
            return !isDue;
        });
        return isDue;
    }
}
