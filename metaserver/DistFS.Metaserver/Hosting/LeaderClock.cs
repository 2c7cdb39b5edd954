using DistFS.Primitives;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// The clock that the commands of this member carry while it leads: the wall's, but never behind what the log already
/// says. A leader whose clock was far ahead leaves later times in the log than its successors have; were they simply
/// stamped with their own, logged time would stand still until the wall came up with it, and no silent session would
/// end until then. So it goes on from what was logged, a little slower than time does, which brings both together.
/// </summary>
/// <param name="wall">The member's own clock.</param>
internal sealed class LeaderClock(TimeProvider wall) : TimeProvider
{
    /// <summary>
    /// Ahead of the wall it passes this share of real time less: a second of error goes in 16 s. Leases last the longer
    /// by it, never the shorter.
    /// </summary>
    public const int Slack = 16;

    // Beyond what DateTimeOffset has, minus a century to go on in: no clock says so, only garbage.
    private static readonly FileTime Latest = FileTime.Of(DateTimeOffset.MaxValue.AddYears(-100));

    private readonly Lock _gate = new();
    private DateTimeOffset _logged = DateTimeOffset.MinValue;
    private long _loggedAt = wall.GetTimestamp();

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => wall.LocalTimeZone;

    /// <inheritdoc/>
    public override long TimestampFrequency => wall.TimestampFrequency;

    /// <summary>An entry with this time was applied.</summary>
    public void Logged(FileTime time)
    {
        if (time > Latest || time.Seconds < 0)
        {
            return;
        }

        var logged = DateTimeOffset.UnixEpoch.AddSeconds(time.Seconds)
            .AddTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick);
        lock (_gate)
        {
            var now = wall.GetTimestamp();
            if (logged > Ahead(now))
            {
                (_logged, _loggedAt) = (logged, now);
            }
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        var now = wall.GetUtcNow();
        lock (_gate)
        {
            var ahead = Ahead(wall.GetTimestamp());
            return ahead > now ? ahead : now;
        }
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => wall.GetTimestamp();

    /// <inheritdoc/>
    public override ITimer CreateTimer(
        TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        wall.CreateTimer(callback, state, dueTime, period);

    private DateTimeOffset Ahead(long now)
    {
        var passed = wall.GetElapsedTime(_loggedAt, now);
        return _logged + (passed - (passed / Slack));
    }
}
