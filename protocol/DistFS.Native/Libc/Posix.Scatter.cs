using System.Runtime.InteropServices;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Native;

/// <summary>Where some of the bytes of a read go: struct iovec (sys/uio.h), 16 bytes.</summary>
/// <param name="Address">Not moved by the collector until the read has ended.</param>
/// <param name="Bytes">How many.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ScatterPart(nint Address, nint Bytes);

/// <content>Reads that put bytes that lie one behind the other into several places.</content>
public static unsafe partial class Posix
{
    /// <summary>The kernel takes no more parts than this in one call (IOV_MAX).</summary>
    public const int ScatterPartsMax = 1024;

    /// <summary>
    /// Reads from an offset, as preadv: parts are filled one after the other. May read less, at the end of the file
    /// or when a signal comes. Linux only; allocates nothing.
    /// </summary>
    /// <param name="handle">Open for reading.</param>
    /// <param name="parts">1 to <see cref="ScatterPartsMax"/>.</param>
    /// <param name="offset">Where in the file.</param>
    /// <returns>Bytes read in all.</returns>
    /// <exception cref="DistFsException">The disk could not read them.</exception>
    public static long ReadScattered(SafeFileHandle handle, ReadOnlySpan<ScatterPart> parts, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfZero(parts.Length, nameof(parts));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts.Length, ScatterPartsMax, nameof(parts));
        RequireLinux("preadv");
        using var file = new Descriptor(handle);
        fixed (ScatterPart* first = parts)
        {
            while (true)
            {
                var count = Libc.ReadScattered(file.Value, first, parts.Length, offset);
                if (count >= 0)
                {
                    return count;
                }

                var errno = Marshal.GetLastPInvokeError();
                if (errno != ErrnoInterrupted)
                {
                    throw Failed("preadv", null, errno);
                }
            }
        }
    }
}
