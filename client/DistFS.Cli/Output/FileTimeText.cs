using System.Globalization;
using DistFS.Primitives;

namespace DistFS.Cli.Output;

/// <summary>Times of files as text, in UTC.</summary>
internal static class FileTimeText
{
    private const long SecondsMin = -62_135_596_800;
    private const long SecondsMax = 253_402_300_799;

    /// <summary>"2026-03-01 12:00:00Z"; beyond the years 1 to 9999 the seconds since 1970.</summary>
    public static string Short(FileTime time) => time.Seconds is < SecondsMin or > SecondsMax
        ? time.ToString()
        : DateTimeOffset.FromUnixTimeSeconds(time.Seconds)
            .ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>"2026-03-01 12:00:00.123456789Z".</summary>
    public static string Exact(FileTime time) => time.Seconds is < SecondsMin or > SecondsMax
        ? time.ToString()
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTimeOffset.FromUnixTimeSeconds(time.Seconds):yyyy-MM-dd HH:mm:ss}.{time.Nanoseconds:d9}Z");
}
