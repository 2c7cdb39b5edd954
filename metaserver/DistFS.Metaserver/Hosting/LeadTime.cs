using DistFS.Primitives;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// For how long this member has led and could hear its clients. After a pause of the process or its machine what they
/// said lies unread in the sockets, and after a step of the wall's clock every lease seems over: it counts from zero
/// again, so that they get their whole time.
/// </summary>
internal sealed class LeadTime
{
    /// <summary>
    /// More than this between two looks, or between what two clocks say has passed, is a pause or a step: longer than
    /// looks are apart, and shorter than any lease (1 s).
    /// </summary>
    public static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(800);

    private TimeSpan _since;
    private TimeSpan _lookedAt;
    private DateTimeOffset _wall;
    private Term _leadership;
    private bool _wasLeader;

    /// <summary>To be called several times a second.</summary>
    /// <param name="isLeader">Whether this member leads now.</param>
    /// <param name="leadership">The term in which it does: between two looks it may have lost and regained it.</param>
    /// <param name="monotonic">A clock that only goes forward, whatever it counts from.</param>
    /// <param name="wall">The clock that leases go by.</param>
    /// <returns>How long it has led; null if it does not lead.</returns>
    public TimeSpan? Look(bool isLeader, Term leadership, TimeSpan monotonic, DateTimeOffset wall)
    {
        var passed = monotonic - _lookedAt;
        var isSteady = passed <= PauseMin && (wall - _wall - passed).Duration() <= PauseMin;
        if (!_wasLeader || leadership != _leadership || !isSteady)
        {
            _since = monotonic;
        }

        (_lookedAt, _wall, _wasLeader, _leadership) = (monotonic, wall, isLeader, leadership);
        return isLeader ? monotonic - _since : null;
    }
}
