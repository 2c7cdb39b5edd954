using System.Diagnostics;
using System.Runtime.InteropServices;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Native;

/// <content>Locks, processes and limits.</content>
public static unsafe partial class Posix
{
    private const int ErrnoNoSuchProcess = 3; // ESRCH, everywhere.
    private const int ErrnoNotPermitted = 1; // EPERM, everywhere.

    /// <summary>
    /// Opens a file that exists, for reading and writing, without a lock. A handle that .NET opens holds a shared
    /// flock, whatever its sharing mode, and so would be in the way of every exclusive one. Linux and macOS.
    /// </summary>
    public static SafeFileHandle OpenUnlocked(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        RequireUnix("open");
        var closeOnExec = OperatingSystem.IsMacOS() ? Libc.OpenCloseOnExecMac : Libc.OpenCloseOnExec;
        return Open(path, Libc.OpenReadWrite | closeOnExec);
    }

    /// <summary>
    /// Takes the exclusive lock of an open file, without waiting. It ends with the last handle of that open file,
    /// also by the death of the process, and binds only those who ask for it. Linux and macOS.
    /// </summary>
    /// <param name="handle">Of <see cref="OpenUnlocked"/>, like all others that compete.</param>
    /// <exception cref="DistFsException">
    /// Another open file has it (<see cref="FsStatus.Busy"/>), and others.
    /// </exception>
    public static void FlockExclusive(SafeFileHandle handle)
    {
        RequireUnix("flock");
        using var file = new Descriptor(handle);
        while (Libc.Flock(file.Value, Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno == ErrnoInterrupted)
            {
                continue;
            }

            // EWOULDBLOCK: said as what it means here.
            var isHeld = FsStatusMap.FromErrno(errno) == FsStatus.TryAgain;
            throw Failed("flock", null, errno, isHeld ? FsStatus.Busy : null);
        }
    }

    /// <summary>Gives the lock of <see cref="FlockExclusive"/> back.</summary>
    public static void FlockRelease(SafeFileHandle handle)
    {
        RequireUnix("flock");
        using var file = new Descriptor(handle);
        if (Libc.Flock(file.Value, Libc.LockUnlock) != 0)
        {
            throw Failed("flock", null, Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Sends a signal to one process. Linux and macOS.</summary>
    /// <param name="processId">Over 0: zero and less address groups, or everything.</param>
    /// <param name="signal">What to send.</param>
    /// <exception cref="DistFsException">
    /// There is no such process (<see cref="FsStatus.NotFound"/>), and others.
    /// </exception>
    public static void Kill(int processId, ProcessSignal signal)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(processId);
        RequireUnix("kill");
        if (Libc.Kill(processId, Number(signal)) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            throw Failed(
                "kill", $"process {processId}", errno, errno == ErrnoNoSuchProcess ? FsStatus.NotFound : null);
        }
    }

    /// <summary>
    /// Whether a process of that number exists; a zombie does. The number may have been given to another process since.
    /// </summary>
    public static bool ProcessExists(int processId)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(processId);
        if (!IsUnix())
        {
            return Array.Exists(Process.GetProcesses(), process => process.Id == processId);
        }

        // Signal 0 asks without sending; "not permitted" tells that there is one.
        return Libc.Kill(processId, 0) == 0 || Marshal.GetLastPInvokeError() == ErrnoNotPermitted;
    }

    /// <summary>How many files this process may have open, now and at most. Linux and macOS.</summary>
    public static (long Soft, long Hard) GetOpenFilesLimit()
    {
        RequireUnix("getrlimit", wide: true);
        Libc.RLimit limit;
        if (Libc.GetRLimit(NoFile, &limit) != 0)
        {
            throw Failed("getrlimit", null, Marshal.GetLastPInvokeError());
        }

        return (Clamp(limit.Soft, 1), Clamp(limit.Hard, 1));
    }

    /// <summary>
    /// Raises the limit of open files to <paramref name="wanted"/> or as far as the hard limit lets it; never lowers
    /// it.
    /// </summary>
    /// <returns>The limit that holds then.</returns>
    public static long RaiseOpenFilesLimit(long wanted)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(wanted);
        RequireUnix("setrlimit", wide: true);
        Libc.RLimit limit;
        if (Libc.GetRLimit(NoFile, &limit) != 0)
        {
            throw Failed("getrlimit", null, Marshal.GetLastPInvokeError());
        }

        if (limit.Soft < (ulong)wanted && limit.Soft < limit.Hard)
        {
            limit.Soft = Math.Min((ulong)wanted, limit.Hard);
            if (Libc.SetRLimit(NoFile, &limit) != 0)
            {
                throw Failed("setrlimit", null, Marshal.GetLastPInvokeError());
            }
        }

        return Clamp(limit.Soft, 1);
    }

    private static int NoFile => OperatingSystem.IsMacOS() ? Libc.NoFileMac : Libc.NoFileLinux;

    private static bool IsUnix() => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    private static void RequireUnix(string call, bool wide = false)
    {
        if (!IsUnix() || (wide && !Environment.Is64BitProcess))
        {
            throw Unsupported(call, "64-bit Linux or macOS");
        }
    }

    private static int Number(ProcessSignal signal) => signal switch
    {
        ProcessSignal.Terminate => 15,
        ProcessSignal.Interrupt => 2,
        ProcessSignal.Kill => 9,
        ProcessSignal.Stop => OperatingSystem.IsMacOS() ? 17 : 19,
        ProcessSignal.Continue => OperatingSystem.IsMacOS() ? 19 : 18,
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, "No such signal."),
    };
}
