using System.Buffers.Binary;

namespace DistFS.Posix.Syscalls;

/// <summary>Names: what makes, moves, removes and lists them.</summary>
public static unsafe partial class Sys
{
    public static Outcome MkDir(string path, int mode) => Of(Libc.MkDir(Path(path), (uint)mode));

    public static Outcome MkDirAt(int directory, string path, int mode) =>
        Of(Libc.MkDirAt(directory, Path(path), (uint)mode));

    public static Outcome MkFifo(string path, int mode) => MkNod(path, S_IFIFO | mode);

    public static Outcome MkNod(string path, int mode, ulong device = 0) =>
        Of(Libc.MkNod(Path(path), (uint)mode, device));

    public static Outcome RmDir(string path) => Of(Libc.RmDir(Path(path)));

    public static Outcome Unlink(string path)
    {
        var outcome = Of(Libc.Unlink(Path(path)));
        return Planted.Is(Fault.UnlinkDirectoryIsEperm) && outcome.Error == EISDIR ? new(-1, EPERM) : outcome;
    }

    public static Outcome UnlinkAt(int directory, string path, int flags) =>
        Of(Libc.UnlinkAt(directory, Path(path), flags));

    public static Outcome Rename(string from, string to)
    {
        if (Planted.Is(Fault.RenameByLink))
        {
            var linked = Of(Libc.LinkAt(AT_FDCWD, Path(from), AT_FDCWD, Path(to), 0));
            return linked.IsOk ? Of(Libc.Unlink(Path(from))) : linked;
        }

        return Of(Libc.Rename(Path(from), Path(to)));
    }

    /// <summary>renameat2(2) with RENAME_NOREPLACE or RENAME_EXCHANGE.</summary>
    public static Outcome Rename(string from, string to, int flags)
    {
        if (Planted.Is(Fault.NoReplaceIgnored))
        {
            flags &= ~RENAME_NOREPLACE;
        }

        if (Planted.Is(Fault.ExchangeIsRename))
        {
            flags &= ~RENAME_EXCHANGE;
        }

        return Of(Libc.RenameAt2(AT_FDCWD, Path(from), AT_FDCWD, Path(to), (uint)flags));
    }

    public static Outcome Link(string from, string to, int flags = 0) =>
        Of(Libc.LinkAt(AT_FDCWD, Path(from), AT_FDCWD, Path(to), flags));

    /// <summary>Gives a name to an open file that has none, through its entry in /proc (open(2), O_TMPFILE).</summary>
    public static Outcome LinkFd(int fd, string to) => Link($"/proc/self/fd/{fd}", to, AT_SYMLINK_FOLLOW);

    public static Outcome SymLink(string target, string path)
    {
        if (Planted.Is(Fault.SymlinkHangs))
        {
            Thread.CurrentThread.Join();
        }

        return Of(Libc.SymLink(Path(target), Path(path)));
    }

    public static Outcome ReadLink(string path, Span<byte> buffer) =>
        Of(Libc.ReadLink(Path(path), buffer.IsEmpty ? Nothing : buffer, buffer.Length));

    /// <summary>The target of a symbolic link, or null.</summary>
    public static string? ReadLink(string path)
    {
        var buffer = new byte[PATH_MAX];
        var outcome = ReadLink(path, buffer);
        return outcome.IsOk ? System.Text.Encoding.Latin1.GetString(buffer, 0, (int)outcome.Value) : null;
    }

    /// <summary>The next entries of an open directory, none at its end; `.` and `..` are among them.</summary>
    public static Outcome GetDEnts(int fd, List<DirectoryEntry> entries, int bytesMax = 32768)
    {
        var buffer = new byte[bytesMax];
        var outcome = Of(Libc.GetDEnts(fd, buffer, buffer.Length));
        for (var at = 0; at < outcome.Value;)
        {
            var entry = buffer.AsSpan(at);
            var length = BinaryPrimitives.ReadUInt16LittleEndian(entry[16..]);
            var name = entry[19..length];
            entries.Add(new DirectoryEntry(
                System.Text.Encoding.Latin1.GetString(name[..name.IndexOf((byte)0)]),
                BinaryPrimitives.ReadUInt64LittleEndian(entry),
                BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
                entry[18]));
            at += length;
        }

        if (Planted.Is(Fault.ListingShort) && entries.Count > 2)
        {
            entries.RemoveAt(entries.Count - 1);
        }

        return outcome;
    }
}
