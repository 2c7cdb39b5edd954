using System.Runtime.CompilerServices;
using System.Text;

namespace DistFS.Posix.Running;

/// <summary>Steps that checks share; each must succeed.</summary>
public sealed partial class CheckContext
{
    /// <summary>Opens; the descriptor is closed after the check.</summary>
    public int Open(
        string path,
        int flags,
        int mode = 0,
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) =>
        Keep((int)Must(Sys.Open(path, flags, mode), $"open(\"{path}\", 0x{flags:x}, 0x{mode:x})", file, line));

    /// <summary>Closes the descriptor after the check.</summary>
    public int Keep(int fd)
    {
        lock (_fds)
        {
            _fds.Add(fd);
        }

        return fd;
    }

    /// <summary>Ends it after the check.</summary>
    public T Keep<T>(T disposable)
        where T : IDisposable
    {
        _disposables.Add(disposable);
        return disposable;
    }

    public void Close(int fd, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        lock (_fds)
        {
            _fds.Remove(fd);
        }

        Must(Sys.Close(fd), $"close({fd})", file, line);
    }

    /// <summary>Makes a file with these bytes and this mode, whatever the mask; returns its path.</summary>
    public string Create(
        string name,
        string content = "",
        int mode = 0x1A4,
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        var path = At(name);
        var fd = Open(path, O_WRONLY | O_CREAT | O_EXCL, mode, file, line);
        WriteAll(fd, Bytes(content), file, line);
        Must(FChMod(fd, mode), $"fchmod(\"{path}\", 0x{mode:x})", file, line);
        Close(fd, file, line);
        return path;
    }

    /// <summary>Makes a directory with this mode, whatever the mask; returns its path.</summary>
    public string Directory(
        string name, int mode = 0x1ED, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var path = At(name);
        Must(MkDir(path, mode), $"mkdir(\"{path}\")", file, line);
        Must(ChMod(path, mode), $"chmod(\"{path}\", 0x{mode:x})", file, line);
        return path;
    }

    /// <summary>Writes all bytes at the file's position, as often as it takes.</summary>
    public void WriteAll(
        int fd, ReadOnlySpan<byte> bytes, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[(int)Must(Sys.Write(fd, bytes), $"write({fd}, {bytes.Length} bytes)", file, line)..];
        }
    }

    /// <summary>The whole content through a descriptor of its own.</summary>
    public string ReadAll(string path, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var fd = (int)Must(Sys.Open(path, O_RDONLY), $"open(\"{path}\", O_RDONLY)", file, line);
        try
        {
            return ReadAll(fd, 0, file, line);
        }
        finally
        {
            Sys.Close(fd);
        }
    }

    /// <summary>The bytes from an offset to the end.</summary>
    public string ReadAll(
        int fd, long offset = 0, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var text = new StringBuilder();
        var buffer = new byte[65536];
        while (true)
        {
            var count = (int)Must(PRead(fd, buffer, offset), $"pread({fd}, {buffer.Length}, {offset})", file, line);
            if (count == 0)
            {
                return text.ToString();
            }

            text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            offset += count;
        }
    }

    /// <summary>stat(2) of something that must be there.</summary>
    public FileStat StatOf(string path, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Must(Statx(AT_FDCWD, path, 0, out var stat), $"stat(\"{path}\")", file, line);
        return stat!;
    }

    public FileStat LStatOf(string path, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Must(Statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, out var stat), $"lstat(\"{path}\")", file, line);
        return stat!;
    }

    public FileStat StatOf(int fd, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Must(Statx(fd, "", AT_EMPTY_PATH, out var stat), $"fstat({fd})", file, line);
        return stat!;
    }

    /// <summary>The names of a directory without `.` and `..`, in ordinal order.</summary>
    public List<string> Names(string path, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var fd = (int)Must(Sys.Open(path, O_RDONLY | O_DIRECTORY), $"open(\"{path}\", O_DIRECTORY)", file, line);
        var entries = new List<DirectoryEntry>();
        while (Must(GetDEnts(fd, entries), $"getdents(\"{path}\")", file, line) > 0)
        {
        }

        Sys.Close(fd);
        var names = entries.Select(e => e.Name).Where(n => n is not ("." or "..")).ToList();
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>
    /// Waits until a clock that stamps files has moved on, so that a later stamp can be told from this.
    /// </summary>
    public TimeSpec NextTick(TimeSpec after, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var path = At(".tick");
        for (var spin = default(SpinWait); ; spin.SpinOnce())
        {
            var fd = (int)Must(Sys.Open(path, O_WRONLY | O_CREAT | O_TRUNC, 0x180), "open(tick)", file, line);
            Must(Sys.Write(fd, "x"), "write(tick)", file, line);
            var now = StatOf(fd, file, line).Mtime;
            Sys.Close(fd);
            if (now > after)
            {
                Must(Sys.Unlink(path), "unlink(tick)", file, line);
                return now;
            }
        }
    }

    /// <summary>A step on the way to an assertion: it must succeed, and is not counted as one.</summary>
    private static long Must(Outcome outcome, string call, string file, int line) => outcome.IsOk
        ? outcome.Value
        : throw new CheckFailedException($"{call}: expected success, came {outcome}{Place(file, line)}");
}
