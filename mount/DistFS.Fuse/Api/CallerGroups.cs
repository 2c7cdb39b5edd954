using System.Buffers.Text;
using System.Globalization;

namespace DistFS.Fuse;

/// <summary>The line "Groups:" of /proc/PID/status (proc(5)).</summary>
internal static class CallerGroups
{
    // NGROUPS_MAX is 65,536, at most 11 bytes each, and the lines around them.
    private const int StatusBytesMax = (65536 * 11) + (64 << 10);

    public static uint[] Read(uint processId)
    {
        if (processId == 0 || !OperatingSystem.IsLinux())
        {
            return [];
        }

        try
        {
            using var file = File.OpenHandle(
                string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/status"));
            var buffer = new byte[8192];
            var length = 0;
            while (true)
            {
                var count = RandomAccess.Read(file, buffer.AsSpan(length), length);
                length += count;
                if (count == 0 || length > StatusBytesMax)
                {
                    return Parse(buffer.AsSpan(0, length));
                }

                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, 2 * buffer.Length);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The caller has ended, or /proc does not show it: nothing is known about its groups, so it has none.
            return [];
        }
    }

    public static uint[] Parse(ReadOnlySpan<byte> status)
    {
        var at = status.StartsWith("Groups:"u8) ? 0 : status.IndexOf("\nGroups:"u8) + 1;
        if (!status[at..].StartsWith("Groups:"u8))
        {
            return [];
        }

        var line = status[(at + "Groups:"u8.Length)..];
        var end = line.IndexOf((byte)'\n');
        line = end < 0 ? line : line[..end];
        var groups = new List<uint>();
        while (true)
        {
            line = line.TrimStart(" \t"u8);
            if (!Utf8Parser.TryParse(line, out uint group, out var used))
            {
                return [.. groups];
            }

            groups.Add(group);
            line = line[used..];
        }
    }
}
