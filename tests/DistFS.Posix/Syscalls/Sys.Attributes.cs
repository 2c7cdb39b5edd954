using System.Collections.Concurrent;

namespace DistFS.Posix.Syscalls;

/// <summary>Attributes of inodes and of the file system.</summary>
public static unsafe partial class Sys
{
    private static readonly ConcurrentDictionary<string, FileStat> Stale = new(StringComparer.Ordinal);

    /// <summary>What begins with this is the second mount, for <see cref="Fault.SecondMountStaleSize"/>.</summary>
    internal static string? SecondRoot { get; set; }

    public static FileStat? Stat(string path) => Statx(AT_FDCWD, path, 0, out var stat).IsOk ? stat : null;

    public static FileStat? LStat(string path) =>
        Statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, out var stat).IsOk ? stat : null;

    public static FileStat? Fstat(int fd) => Statx(fd, "", AT_EMPTY_PATH, out var stat).IsOk ? stat : null;

    /// <summary>The error of stat(2), for what only asks whether a path leads somewhere.</summary>
    public static Outcome TryStat(string path) => Statx(AT_FDCWD, path, 0, out _);

    public static Outcome TryLStat(string path) => Statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, out _);

    /// <summary>statx(2) of the basic attributes.</summary>
    public static Outcome Statx(int directory, string path, int flags, out FileStat? stat)
    {
        StatxBuffer buffer = default;
        var outcome = Of(Libc.Statx(directory, Path(path), flags, 0x7FF, &buffer));
        if (outcome.IsOk && Planted.Is(Fault.LinksAlwaysOne))
        {
            buffer.Links = 1;
        }

        stat = outcome.IsOk ? FileStat.Of(buffer) : null;
        if (stat is not null && Planted.Is(Fault.SecondMountStaleSize) && SecondRoot is not null
            && path.StartsWith(SecondRoot, StringComparison.Ordinal))
        {
            stat = Stale.GetOrAdd(path, stat);
        }

        return outcome;
    }

    public static Outcome StatVfs(string path, out StatVfs statistics)
    {
        fixed (StatVfs* buffer = &statistics)
        {
            return Of(Libc.StatVfs(Path(path), buffer));
        }
    }

    public static Outcome Access(string path, int mode) => Of(Libc.FAccessAt(AT_FDCWD, Path(path), mode, 0));

    public static Outcome ChMod(string path, int mode) => Of(Libc.ChMod(Path(path), SpecialBits(mode)));

    public static Outcome FChMod(int fd, int mode) => Of(Libc.FChMod(fd, SpecialBits(mode)));

    public static Outcome ChOwn(string path, uint uid, uint gid) =>
        Of(Libc.FChOwnAt(AT_FDCWD, Path(path), uid, gid, 0));

    public static Outcome LChOwn(string path, uint uid, uint gid) =>
        Of(Libc.FChOwnAt(AT_FDCWD, Path(path), uid, gid, AT_SYMLINK_NOFOLLOW));

    public static Outcome FChOwn(int fd, uint uid, uint gid) => Of(Libc.FChOwn(fd, uid, gid));

    public static Outcome UTimeNs(string path, TimeSpec access, TimeSpec modification, int flags = 0)
    {
        var times = stackalloc[] { Stamp(access), Stamp(modification) };
        return Of(Libc.UTimeNsAt(AT_FDCWD, Path(path), times, flags));
    }

    /// <summary>utimensat(2) with NULL: both times become now, which writers may do and not only the owner.</summary>
    public static Outcome Touch(string path) => Of(Libc.UTimeNsAt(AT_FDCWD, Path(path), null, 0));

    public static Outcome FUTimeNs(int fd, TimeSpec access, TimeSpec modification)
    {
        var times = stackalloc[] { Stamp(access), Stamp(modification) };
        return Of(Libc.FUTimeNs(fd, times));
    }

    public static Outcome SetXAttr(string path, string name, ReadOnlySpan<byte> value, int flags = 0)
    {
        if (Planted.Is(Fault.XattrCreateIgnored))
        {
            flags &= ~XATTR_CREATE;
        }

        return Of(Libc.LSetXAttr(Path(path), Path(name), value.IsEmpty ? Nothing : value, value.Length, flags));
    }

    /// <summary>lgetxattr(2); with an empty buffer the value is the size.</summary>
    public static Outcome GetXAttr(string path, string name, Span<byte> buffer) =>
        Of(Libc.LGetXAttr(Path(path), Path(name), buffer.IsEmpty ? Nothing : buffer, buffer.Length));

    public static Outcome FGetXAttr(int fd, string name, Span<byte> buffer) =>
        Of(Libc.FGetXAttr(fd, Path(name), buffer.IsEmpty ? Nothing : buffer, buffer.Length));

    /// <summary>llistxattr(2): names, each with a NUL behind it; with an empty buffer the value is the size.</summary>
    public static Outcome ListXAttr(string path, Span<byte> buffer) =>
        Of(Libc.LListXAttr(Path(path), buffer.IsEmpty ? Nothing : buffer, buffer.Length));

    public static Outcome RemoveXAttr(string path, string name) => Of(Libc.LRemoveXAttr(Path(path), Path(name)));

    private static uint SpecialBits(int mode) =>
        (uint)(Planted.Is(Fault.SpecialBitsDropped) ? mode & 0x1FF : mode);

    private static TimeSpec Stamp(TimeSpec time)
    {
        if (Planted.Is(Fault.OmitIgnored) && time == TimeSpec.Omit)
        {
            return TimeSpec.Now;
        }

        return time.Nanoseconds is UTIME_NOW or UTIME_OMIT ? time : Planted.Time(time);
    }
}
