using System.Runtime.InteropServices;

namespace DistFS.Posix.Syscalls;

/// <summary>
/// System calls with their errors as values. A path is a string whose characters are its bytes (Latin-1), so that names
/// which are not UTF-8 can be written down. Nothing is retried and nothing is hidden; what a planted deviation changes
/// is marked by <see cref="Planted"/>.
/// </summary>
public static unsafe partial class Sys
{
    private static readonly byte[] Nothing = new byte[1];

    /// <summary>The bytes of a path given by people, as a string of bytes.</summary>
    public static string FromText(string path) =>
        System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(path));

    /// <summary>The bytes of a string of bytes.</summary>
    public static byte[] Bytes(string text) => System.Text.Encoding.Latin1.GetBytes(text);

    public static Outcome Open(string path, int flags, int mode = 0)
    {
        if (Planted.Is(Fault.OpenTruncateIgnored) && (flags & (O_TRUNC | O_CREAT)) == O_TRUNC)
        {
            flags &= ~O_TRUNC;
        }

        return Of(Libc.Open(Path(path), Planted.OpenFlags(flags) | O_CLOEXEC, (uint)mode));
    }

    public static Outcome OpenAt(int directory, string path, int flags, int mode = 0) =>
        Of(Libc.OpenAt(directory, Path(path), Planted.OpenFlags(flags) | O_CLOEXEC, (uint)mode));

    public static Outcome Close(int fd) => Of(Libc.Close(fd));

    public static Outcome Dup(int fd) => Of(Libc.Dup(fd));

    public static Outcome LSeek(int fd, long offset, int whence)
    {
        if (Planted.Is(Fault.SeekDataWrong) && whence is SEEK_DATA or SEEK_HOLE)
        {
            return new Outcome(offset, OK);
        }

        if (Planted.Is(Fault.SeekDirectoryRewinds) && whence == SEEK_SET && Fstat(fd)?.Type == S_IFDIR)
        {
            offset = 0;
        }

        return Of(Libc.LSeek(fd, offset, whence));
    }

    public static Outcome FSync(int fd) => Of(Libc.FSync(fd));

    public static Outcome FDataSync(int fd) => Of(Libc.FDataSync(fd));

    public static Outcome SyncFs(int fd) => Of(Libc.SyncFs(fd));

    public static Outcome Truncate(string path, long length)
    {
        var before = Planted.Is(Fault.TruncateLeavesTail) ? Stat(path)?.Size ?? 0 : 0;
        var outcome = Of(Libc.Truncate(Path(path), length));
        if (Planted.Is(Fault.TruncateLeavesTail) && outcome.IsOk && length > before)
        {
            var fd = Libc.Open(Path(path), O_WRONLY, 0);
            _ = Libc.PWrite(fd, "x"u8, 1, before);
            _ = Libc.Close(fd);
        }

        return outcome;
    }

    public static Outcome FTruncate(int fd, long length)
    {
        var before = Planted.Is(Fault.TruncateLeavesTail) ? Fstat(fd)?.Size ?? 0 : 0;
        var outcome = Of(Libc.FTruncate(fd, length));
        if (Planted.Is(Fault.TruncateLeavesTail) && outcome.IsOk && length > before)
        {
            _ = Libc.PWrite(fd, "x"u8, 1, before);
        }

        return outcome;
    }

    public static Outcome FAllocate(int fd, int mode, long offset, long length) =>
        Planted.Is(Fault.PunchIgnored) && (mode & FALLOC_FL_PUNCH_HOLE) != 0
            ? new Outcome(0, OK)
            : Of(Libc.FAllocate(fd, mode, offset, length));

    /// <summary>copy_file_range(2) between explicit offsets; the value is the bytes copied.</summary>
    public static Outcome CopyFileRange(int from, long fromOffset, int to, long toOffset, long count, int flags = 0) =>
        Planted.Is(Fault.CopyRangeEmpty)
            ? new Outcome(count, OK)
            : Of(Libc.CopyFileRange(from, &fromOffset, to, &toOffset, (nint)count, (uint)flags));

    public static Outcome FLock(int fd, int operation) =>
        Planted.Is(Fault.LocksIgnored) ? new Outcome(0, OK) : Of(Libc.FLock(fd, operation));

    public static Outcome FCntl(int fd, int command, int argument) => Of(Libc.FCntl(fd, command, argument));

    /// <summary>A record lock of fcntl(2); the get commands answer in <paramref name="range"/>.</summary>
    public static Outcome FCntl(int fd, int command, ref FileLock range)
    {
        if (Planted.Is(Fault.LocksIgnored))
        {
            return new Outcome(0, OK);
        }

        fixed (FileLock* argument = &range)
        {
            return Of(Libc.FCntl(fd, command, (nint)argument));
        }
    }

    /// <summary>mmap(2) at an address that the kernel chooses; the value is the address.</summary>
    public static Outcome MMap(int fd, long offset, long length, int protection, int flags) =>
        Of(Libc.MMap(0, (nint)length, protection, flags, fd, offset));

    public static Outcome MUnmap(long address, long length) => Of(Libc.MUnmap((nint)address, (nint)length));

    public static Outcome MSync(long address, long length) => Of(Libc.MSync((nint)address, (nint)length, MS_SYNC));

    /// <summary>The bytes of a mapping.</summary>
    public static Span<byte> Mapped(long address, int length) => new((void*)address, length);

    /// <summary>The process's mask of permissions; returns the one before.</summary>
    public static int UMask(int mask) => (int)Libc.UMask((uint)mask);

    public static Outcome ChDir(string path) => Of(Libc.ChDir(Path(path)));

    public static uint GetEUid() => Libc.GetEUid();

    public static uint GetEGid() => Libc.GetEGid();

    /// <summary>Gives the calling thread a mask and a working directory of its own (CLONE_FS).</summary>
    public static Outcome UnshareFs() => Of(Libc.Unshare(0x200));

    private static Outcome Of(nint result) =>
        result >= 0 || result < -4095
            ? new Outcome(result, OK)
            : new Outcome(-1, Planted.Error((Errno)Marshal.GetLastPInvokeError()));

    private static Outcome Of(long result) => Of((nint)result);

    private static byte[] Path(string path)
    {
        var bytes = new byte[path.Length + 1];
        System.Text.Encoding.Latin1.GetBytes(path, bytes);
        if (Planted.Is(Fault.ShortNames))
        {
            return System.Text.Encoding.Latin1.GetBytes(
                string.Join('/', path.Split('/').Select(n => n[..Math.Min(n.Length, 143)])) + "\0");
        }

        return bytes;
    }
}
