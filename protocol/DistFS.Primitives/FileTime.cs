using System.Globalization;

namespace DistFS.Primitives;

/// <summary>
/// A time of a file: seconds since 1970-01-01 00:00 UTC, negative before, and nanoseconds within that second (POSIX
/// <c>struct timespec</c>). The whole range of a 64-bit <c>time_t</c>.
/// </summary>
public readonly record struct FileTime : IComparable<FileTime>
{
    /// <summary>Nanoseconds of a second.</summary>
    public const uint NanosecondsPerSecond = 1_000_000_000;

    /// <exception cref="ArgumentOutOfRangeException">There are not so many nanoseconds in a second.</exception>
    public FileTime(long seconds, uint nanoseconds)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(nanoseconds, NanosecondsPerSecond);
        (Seconds, Nanoseconds) = (seconds, nanoseconds);
    }

    /// <summary>The same moment.</summary>
    public static FileTime Of(DateTimeOffset time)
    {
        var ticks = time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        var seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out var rest);
        return rest < 0
            ? new FileTime(seconds - 1, (uint)((rest + TimeSpan.TicksPerSecond) * 100))
            : new FileTime(seconds, (uint)(rest * 100));
    }

    /// <summary>Since the epoch, rounded down.</summary>
    public long Seconds { get; }

    /// <summary>After <see cref="Seconds"/>: [0, 1,000,000,000).</summary>
    public uint Nanoseconds { get; }

    /// <summary>The next later time.</summary>
    public FileTime Next => Nanoseconds + 1 < NanosecondsPerSecond
        ? new(Seconds, Nanoseconds + 1) : new(Seconds + 1, 0);

    /// <summary>Later by that much; not negative.</summary>
    public FileTime Plus(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        var nanoseconds = Nanoseconds + ((ulong)(time.Ticks % TimeSpan.TicksPerSecond) * 100);
        return new FileTime(
            Seconds + (time.Ticks / TimeSpan.TicksPerSecond) + (long)(nanoseconds / NanosecondsPerSecond),
            (uint)(nanoseconds % NanosecondsPerSecond));
    }

    /// <inheritdoc/>
    public int CompareTo(FileTime other) =>
        Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>Earlier than.</summary>
    public static bool operator <(FileTime left, FileTime right) => left.CompareTo(right) < 0;

    /// <summary>Later than.</summary>
    public static bool operator >(FileTime left, FileTime right) => left.CompareTo(right) > 0;

    /// <summary>Not later than.</summary>
    public static bool operator <=(FileTime left, FileTime right) => left.CompareTo(right) <= 0;

    /// <summary>Not earlier than.</summary>
    public static bool operator >=(FileTime left, FileTime right) => left.CompareTo(right) >= 0;

    /// <summary>Seconds with nine decimals, as <c>stat --format=%.9Y</c> has them.</summary>
    public override string ToString() => Seconds < 0 && Nanoseconds > 0
        ? string.Create(CultureInfo.InvariantCulture, $"-{-(Seconds + 1)}.{NanosecondsPerSecond - Nanoseconds:d9}")
        : string.Create(CultureInfo.InvariantCulture, $"{Seconds}.{Nanoseconds:d9}");
}
