using System.Runtime.Versioning;

namespace DistFS.Fuse;

/// <summary>A descriptor of /dev/fuse.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class KernelDevice : IFuseDevice
{
    public const string Path = "/dev/fuse";

    /// <summary>Open until disposal, so its number never becomes another file while somebody may write to it.</summary>
    private readonly int _descriptor;
    private int _readerThread;
    private int _isDisposed;

    public KernelDevice(int descriptor)
    {
        ReaderSignal.Prepare();
        _descriptor = descriptor;
    }

    public int Descriptor => _descriptor;

    public static KernelDevice Open()
    {
        fixed (byte* path = CString.From(Path))
        {
            var descriptor = Libc.Open(path, Libc.OpenReadWrite | Libc.OpenCloseOnExec);
            if (descriptor >= 0)
            {
                return new KernelDevice(descriptor);
            }

            var error = Libc.LastError();
            throw new FuseException(
                error == Errno.ENOENT
                    ? $"{Path} is missing: load the kernel module (modprobe fuse), or give it to this container."
                    : $"{Path} could not be opened: {error}.",
                error);
        }
    }

    public Errno Read(Span<byte> buffer, out int length)
    {
        if (_readerThread == 0)
        {
            Volatile.Write(ref _readerThread, Libc.ThreadId());
        }

        fixed (byte* start = buffer)
        {
            var count = Libc.Read(_descriptor, start, (nuint)buffer.Length);
            length = count < 0 ? 0 : (int)count;
            return count < 0 ? Libc.LastError() : Errno.None;
        }
    }

    public Errno Write(ReadOnlySpan<IoVector> message)
    {
        fixed (IoVector* vectors = message)
        {
            return Libc.WriteV(_descriptor, vectors, message.Length) < 0 ? Libc.LastError() : Errno.None;
        }
    }

    public IFuseDevice Clone()
    {
        var clone = Open();
        var source = (uint)_descriptor;
        if (Libc.Ioctl(clone._descriptor, Libc.FuseDeviceClone, &source) == 0)
        {
            return clone;
        }

        var error = Libc.LastError();
        clone.Dispose();
        throw new FuseException($"A second descriptor of the connection was refused: {error}.", error);
    }

    public void Interrupt()
    {
        var thread = Volatile.Read(ref _readerThread);
        if (thread != 0)
        {
            ReaderSignal.Send(thread);
        }
    }

    public void Sever()
    {
        // The number stays taken, by a file that swallows what comes late.
        fixed (byte* path = CString.From("/dev/null"))
        {
            var nothing = Libc.Open(path, Libc.OpenWriteOnly | Libc.OpenCloseOnExec);
            if (nothing < 0)
            {
                return;
            }

            _ = Libc.Dup3(nothing, _descriptor, Libc.OpenCloseOnExec);
            _ = Libc.Close(nothing);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _ = Libc.Close(_descriptor);
        }
    }
}
