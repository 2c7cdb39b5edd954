using System.Globalization;
using System.Text;

namespace DistFS.Fuse;

/// <summary>A line of /proc/self/mountinfo (proc(5)): reading it asks no file system anything.</summary>
/// <param name="Device">major:minor of what is mounted; that of a FUSE mount is its connection's number.</param>
/// <param name="MountPoint">Absolute, as it was resolved.</param>
/// <param name="Type">Like "fuse.distfs".</param>
internal sealed record MountEntry(string Device, string MountPoint, string Type)
{
    /// <summary>The file under /sys/fs/fuse/connections is named after it.</summary>
    public string Minor => Device[(Device.IndexOf(':', StringComparison.Ordinal) + 1)..];

    /// <summary>The mounts of this process's namespace, later ones last.</summary>
    public static IReadOnlyList<MountEntry> ReadAll() =>
        [.. File.ReadLines("/proc/self/mountinfo").Select(Parse).OfType<MountEntry>()];

    /// <summary>The topmost mount at a path, or null.</summary>
    public static MountEntry? Find(string mountPoint) => ReadAll().LastOrDefault(m => m.MountPoint == mountPoint);

    public static MountEntry? Parse(string line)
    {
        var fields = line.Split(' ');
        var dash = Array.IndexOf(fields, "-");
        return dash < 6 || dash + 1 >= fields.Length
            ? null
            : new MountEntry(fields[2], Unescape(fields[4]), Unescape(fields[dash + 1]));
    }

    /// <summary>As the kernel writes paths there: space, tab, newline and backslash in octal.</summary>
    public static string Escape(string path) => path
        .Replace("\\", "\\134", StringComparison.Ordinal)
        .Replace(" ", "\\040", StringComparison.Ordinal)
        .Replace("\t", "\\011", StringComparison.Ordinal)
        .Replace("\n", "\\012", StringComparison.Ordinal);

    private static string Unescape(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return field;
        }

        var text = new StringBuilder();
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length && IsOctal(field.AsSpan(i + 1, 3)))
            {
                text.Append((char)(((field[i + 1] - '0') * 64) + ((field[i + 2] - '0') * 8) + field[i + 3] - '0'));
                i += 3;
            }
            else
            {
                text.Append(field[i]);
            }
        }

        return text.ToString();
    }

    private static bool IsOctal(ReadOnlySpan<char> digits) => !digits.ContainsAnyExceptInRange('0', '7');

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Type} at {MountPoint} ({Device})");
}
