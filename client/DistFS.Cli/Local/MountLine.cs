using System.Globalization;
using DistFS.Mount;

namespace DistFS.Cli.Local;

/// <summary>A cluster that is mounted on this machine, as the mount table has it (proc(5), mountinfo).</summary>
/// <param name="MountPoint">Absolute.</param>
/// <param name="User">Who mounted it; null: the table does not say.</param>
internal sealed record MountLine(string MountPoint, uint? User)
{
    /// <summary>As many symbolic links as Linux follows in a path (path_resolution(7)).</summary>
    private const int LinksMax = 40;

    /// <summary>
    /// A path as the mount table has it, of what somebody typed: absolute, without symbolic links. In a mounted cluster
    /// nothing is looked at, nor is its root: that may be what hangs.
    /// </summary>
    public static string PathOf(string given)
    {
        Stack<string> left = [];
        Push(Path.Join(Path.IsPathRooted(given) ? "" : Environment.CurrentDirectory, given));
        var at = "/";
        for (var links = 0; left.TryPop(out var part);)
        {
            var next = part switch
            {
                "." => at,
                ".." => Path.GetDirectoryName(at) ?? at,
                _ => Path.Join(at, part),
            };
            if (next.Length > at.Length && Find(next) != null)
            {
                return Path.GetFullPath(Path.Join([next, .. left]));
            }

            if (next.Length > at.Length && links < LinksMax && new FileInfo(next).LinkTarget is { } target)
            {
                links++;
                at = Path.IsPathRooted(target) ? "/" : at;
                Push(target);
            }
            else
            {
                at = next;
            }
        }

        return at;

        void Push(string path)
        {
            foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                left.Push(part);
            }
        }
    }

    /// <summary>The one on a directory; null: there is none.</summary>
    public static MountLine? Find(string mountPoint)
    {
        var escaped = mountPoint.Replace("\\", "\\134", StringComparison.Ordinal)
            .Replace(" ", "\\040", StringComparison.Ordinal)
            .Replace("\t", "\\011", StringComparison.Ordinal)
            .Replace("\n", "\\012", StringComparison.Ordinal);
        var line = File.ReadLines("/proc/self/mountinfo").LastOrDefault(line =>
            line.Split(' ') is { Length: > 4 } fields && fields[4] == escaped
            && line.Contains($" - fuse.{MountOptions.Subtype} ", StringComparison.Ordinal));
        return line == null ? null : new MountLine(mountPoint, UserOf(line));
    }

    /// <summary>The one on a directory, or above it. Nothing in it is looked at: that may be what hangs.</summary>
    public static MountLine? FindAbove(string path)
    {
        for (var at = path; at != null; at = Path.GetDirectoryName(at))
        {
            if (Find(at) is { } line)
            {
                return line;
            }
        }

        return null;
    }

    /// <summary>Where its process has files: in the folder of this user, or of the one who mounted it.</summary>
    public IReadOnlyList<string> Folders(Func<string, string?> environment)
    {
        List<string> folders = [SendingFile.FolderOf(null, environment)];
        if (User is { } user)
        {
            folders.Add(SendingFile.FolderOf(user, environment));
        }

        return [.. folders.Distinct()];
    }

    private static uint? UserOf(string line) => line.Split(' ', ',')
        .Where(static word => word.StartsWith("user_id=", StringComparison.Ordinal))
        .Select(static word => uint.Parse(word.AsSpan("user_id=".Length), CultureInfo.InvariantCulture))
        .Cast<uint?>()
        .FirstOrDefault();
}
