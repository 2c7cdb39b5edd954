namespace DistFS.Rpc.Frames;

/// <summary>
/// Time as this process has lived it: a pause of the process or of its machine (a stop signal, a paused virtual
/// machine, a swap storm) counts for at most <see cref="StepMsMax"/>. A peer's silence is judged by it, because what
/// the peer sent during our own pause lies unread in the socket, and what we owed it was not sent.
/// </summary>
/// <remarks>Advanced by one thread at a time; read by any.</remarks>
internal sealed class PatientClock
{
    /// <summary>The most that one step counts, in milliseconds.</summary>
    public const int StepMsMax = 100;

    private long _now;
    private long _wall;

    /// <summary>Milliseconds lived through; it stands still between two steps.</summary>
    public long Now => Volatile.Read(ref _now);

    /// <summary>Steps to <paramref name="wall"/>.</summary>
    /// <param name="wall">Milliseconds of a clock that runs on through pauses.</param>
    /// <returns><see cref="Now"/> after the step.</returns>
    public long Advance(long wall)
    {
        var step = Math.Clamp(wall - _wall, 0, StepMsMax);
        _wall = wall;
        Volatile.Write(ref _now, _now + step);
        return _now;
    }
}
