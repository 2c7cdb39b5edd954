using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DistFS.Cli;

/// <summary>
/// By which <c>dfs umount</c> learns how the process of a mount ended: umount(2) returns when the kernel has let go of
/// it, and only then the process sends what it has. A file that is locked (flock) as long as the process lives, and
/// goes when everything was sent. If it stays, it says why; empty: the process died before.
/// </summary>
internal sealed class SendingFile : IDisposable
{
    private readonly FileStream _file;

    private SendingFile(FileStream file) => _file = file;

    /// <summary>By the process of the mount, before it is mounted.</summary>
    /// <param name="mountPoint">Absolute.</param>
    /// <param name="folder">Of <see cref="FolderOf"/>.</param>
    /// <exception cref="IOException">It cannot be written there.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written there.</exception>
    public static SendingFile Begin(string mountPoint, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var left in Find(mountPoint, [folder]).Where(static one => !one.IsHeld))
        {
            // Of a process that died, of which nobody wanted to hear.
            File.Delete(left.Path);
        }

        var path = Path.Combine(folder, NameOf(mountPoint) + Environment.ProcessId);
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        file.SetLength(0);
        return new SendingFile(file);
    }

    /// <summary>Everything was sent.</summary>
    public void Sent() => File.Delete(_file.Name);

    /// <summary>Not everything was.</summary>
    public void Failed(string why)
    {
        _file.Write(Encoding.UTF8.GetBytes(why.ReplaceLineEndings(" ")));
        _file.Flush();
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Where a user's processes have them.</summary>
    /// <param name="uid">Of the user; null: this one.</param>
    /// <param name="environment">Of this process.</param>
    public static string FolderOf(uint? uid, Func<string, string?> environment)
    {
        if (uid is { } other)
        {
            return other == 0
                ? "/run/distfs" : string.Create(CultureInfo.InvariantCulture, $"/run/user/{other}/distfs");
        }

        return Environment.IsPrivilegedProcess ? FolderOf(0, environment)
            : environment("XDG_RUNTIME_DIR") is { Length: > 0 } given ? Path.Combine(given, "distfs")
            : Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state", "distfs");
    }

    /// <summary>Those of processes that serve a mount point, or did.</summary>
    public static IReadOnlyList<Seen> Find(string mountPoint, IEnumerable<string> folders)
    {
        var name = NameOf(mountPoint);
        return
        [
            .. folders.Where(Directory.Exists)
                .SelectMany(folder => Directory.GetFiles(folder, name + "*"))
                .Select(path => new Seen(path)),
        ];
    }

    /// <summary>Stands for a mount point in names of files: paths are longer than names may be.</summary>
    public static string HashOf(string mountPoint) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(mountPoint)).AsSpan(0, 8));

    private static string NameOf(string mountPoint) => $"mount-{HashOf(mountPoint)}.";

    /// <summary>One of a process, as others see it.</summary>
    internal sealed record Seen(string Path)
    {
        /// <summary>Of the process.</summary>
        public string ProcessId => Path[(Path.LastIndexOf('.') + 1)..];

        /// <summary>Whether the process lives.</summary>
        public bool IsHeld => Read(out _);

        /// <summary>Reads it, if the process does not live any more.</summary>
        /// <param name="why">Null: everything was sent. Empty: the process died before.</param>
        /// <returns>Whether the process lives.</returns>
        public bool Read(out string? why)
        {
            why = null;
            try
            {
                // Refused while somebody has it for himself: flock.
                using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read);
                using var reader = new StreamReader(file);
                why = reader.ReadToEnd();
                return false;
            }
            catch (FileNotFoundException)
            {
                return false;
            }
            catch (IOException)
            {
                return true;
            }
        }
    }
}
