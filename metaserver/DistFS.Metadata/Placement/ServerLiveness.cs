using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>A server's liveness has changed.</summary>
/// <param name="Server">Which.</param>
/// <param name="State">Up, suspect, away or dead.</param>
public readonly record struct LivenessChange(ServerId Server, ServerState State);

/// <summary>
/// Which servers are heard of: suspect after 3 s of silence, dead after 10 s; one that said it would be back is away
/// until then. Silence counts only while we could hear: a gap between two ticks is our own pause.
/// </summary>
/// <remarks>
/// A leader keeps one for its term and starts it with all the servers it knows as heard just now, so a change of
/// leaders kills nobody. What it says enters the log, and only there decides.
/// </remarks>
public sealed class ServerLiveness
{
    /// <summary>Silence after which nothing is asked of a server.</summary>
    public const long SuspectMs = 3_000;

    /// <summary>Silence after which its replicas do not count.</summary>
    public const long DeadMs = 10_000;

    /// <summary>More than this between two ticks is our own pause, and nobody's silence.</summary>
    public const long PauseMs = 500;

    /// <summary>Ascending, so that changes come in the same order everywhere.</summary>
    private readonly SortedList<uint, Heard> _servers = [];

    private readonly long _suspectMs;
    private readonly long _deadMs;
    private long _wallMs;
    private long _awakeMs;

    /// <summary>Starts at a time, in milliseconds of any clock that does not go back.</summary>
    /// <param name="nowMs">Now.</param>
    /// <param name="suspectMs">Silence after which a server is suspect, in milliseconds.</param>
    /// <param name="deadMs">Silence after which it is dead.</param>
    public ServerLiveness(long nowMs, long suspectMs = SuspectMs, long deadMs = DeadMs)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(suspectMs);
        ArgumentOutOfRangeException.ThrowIfLessThan(deadMs, suspectMs);
        (_wallMs, _suspectMs, _deadMs) = (nowMs, suspectMs, deadMs);
    }

    /// <summary>What a server is; one that was never heard of is dead.</summary>
    public ServerState StateOf(ServerId server) =>
        _servers.TryGetValue(server.Value, out var heard) ? heard.State : ServerState.Dead;

    /// <summary>A server was heard of; it is up.</summary>
    /// <returns>Whether that is a change.</returns>
    public bool Hear(ServerId server, long nowMs)
    {
        Advance(nowMs);
        var isChange = StateOf(server) != ServerState.Up;
        _servers[server.Value] = new Heard(ServerState.Up, _awakeMs, 0);
        return isChange;
    }

    /// <summary>A server goes, and will be back within so many milliseconds.</summary>
    /// <returns>Whether that is a change.</returns>
    public bool Leave(ServerId server, long forMs, long nowMs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(forMs);
        Advance(nowMs);
        var isChange = StateOf(server) != ServerState.Away;
        _servers[server.Value] = new Heard(ServerState.Away, _awakeMs, nowMs + forMs);
        return isChange;
    }

    /// <summary>A server was taken out of the cluster.</summary>
    public void Remove(ServerId server) => _servers.Remove(server.Value);

    /// <summary>Time goes on: gives the servers that are suspect or dead from now on.</summary>
    public void Tick(long nowMs, ICollection<LivenessChange> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        Advance(nowMs);
        for (var i = 0; i < _servers.Count; i++)
        {
            var heard = _servers.GetValueAtIndex(i);
            var state = Judge(heard, nowMs);
            if (state != heard.State)
            {
                _servers.SetValueAtIndex(i, heard with { State = state });
                changes.Add(new LivenessChange(new ServerId(_servers.GetKeyAtIndex(i)), state));
            }
        }
    }

    private ServerState Judge(Heard heard, long nowMs)
    {
        if (heard.State == ServerState.Away)
        {
            return nowMs >= heard.BackMs ? ServerState.Dead : ServerState.Away;
        }

        var silenceMs = _awakeMs - heard.AwakeMs;
        return silenceMs >= _deadMs || heard.State == ServerState.Dead ? ServerState.Dead
            : silenceMs >= _suspectMs ? ServerState.Suspect
            : ServerState.Up;
    }

    private void Advance(long nowMs)
    {
        _awakeMs += Math.Clamp(nowMs - _wallMs, 0, PauseMs);
        _wallMs = Math.Max(_wallMs, nowMs);
    }

    /// <param name="State">As last told.</param>
    /// <param name="AwakeMs">When it was last heard of, in our waking time.</param>
    /// <param name="BackMs">When it said it would be back.</param>
    private readonly record struct Heard(ServerState State, long AwakeMs, long BackMs);
}
