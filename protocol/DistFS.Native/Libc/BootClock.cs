using DistFS.Primitives;

namespace DistFS.Native;

/// <summary>
/// The system's time, whose timestamps go on while the machine is suspended, as the time of others does: who wakes up
/// must not believe that it is still as it was. Timers stand still meanwhile, as all timers do. Any thread.
/// </summary>
public sealed class BootClock : TimeProvider
{
    private BootClock()
    {
    }

    /// <summary>
    /// On Linux; elsewhere the system's own, which goes on in suspend on Windows, and not on macOS.
    /// </summary>
    public static TimeProvider Instance { get; } = OperatingSystem.IsLinux() ? new BootClock() : System;

    /// <inheritdoc/>
    public override long TimestampFrequency => 1_000_000_000;

    /// <inheritdoc/>
    public override unsafe long GetTimestamp()
    {
        Libc.TimeSpec now;
        var result = Libc.ClockGetTime(Libc.ClockBootTime, &now);
        Check.That(result == 0);
        return (now.Seconds * 1_000_000_000) + now.Nanoseconds;
    }
}
