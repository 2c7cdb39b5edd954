namespace DistFS.Metaserver.Consensus;

/// <summary>
/// Turns time into ticks. A loop that is a little late owes several ticks; a follower that was paused must not take
/// them for the silence of its leader, whose messages wait in its sockets: it gets those of one heartbeat at most. A
/// leader that was paused for an election time-out or longer gets them all, up to two time-outs: enough to find that it
/// has heard from no quorum, before it looks at anything else.
/// </summary>
/// <param name="length">Of a tick, in units of time stamps.</param>
/// <param name="start">The time stamp now.</param>
internal sealed class TickClock(long length, long start)
{
    private long _next = start + length;

    /// <summary>The ticks to give to the core now.</summary>
    public int Take(long now, bool isLeader, int heartbeatTicks, int electionTicks)
    {
        if (now < _next)
        {
            return 0;
        }

        var owed = ((now - _next) / length) + 1;
        _next += owed * length;
        return (int)Math.Min(owed, isLeader && owed >= electionTicks ? 2L * electionTicks : heartbeatTicks);
    }

    /// <summary>Time stamps until the next tick; 0 when it is due.</summary>
    public long Until(long now) => Math.Max(0, _next - now);
}
