using System.Buffers;
using System.Diagnostics;

namespace DistFS.Fuse;

/// <content>Answers. Each method here runs once per request, by who has claimed it, and ends it.</content>
internal sealed unsafe partial class RequestState
{
    private const int OutHeaderBytes = 16;

    /// <summary>It was abandoned: the kernel has an answer already.</summary>
    private bool _isLate;

    // Of the answer, for the statistics.
    private bool _hasFailed;
    private long _sentBytes;

    public bool SendError(Errno error)
    {
        // The kernel restarts a lock that was interrupted, by the signal; at the end of the server there is none, and
        // the caller would see the kernel's own ERESTARTSYS.
        error = error == Errno.EINTR && _server.Flight.IsEnding ? Errno.ECONNABORTED : error;
        _hasFailed = error != Errno.None;
        return Finish(_isLate ? Errno.ENOENT : WriteError(error));
    }

    public bool Send<T>(in T value)
        where T : unmanaged
    {
        var copy = value;
        return SendVectors([new IoVector((nuint)(&copy), (nuint)sizeof(T))]);
    }

    public bool Send<TFirst, TSecond>(in TFirst first, in TSecond second)
        where TFirst : unmanaged
        where TSecond : unmanaged
    {
        var one = first;
        var two = second;
        return SendVectors(
            [new IoVector((nuint)(&one), (nuint)sizeof(TFirst)), new IoVector((nuint)(&two), (nuint)sizeof(TSecond))]);
    }

    public bool SendBytes(ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            return SendVectors([new IoVector((nuint)start, (nuint)data.Length)]);
        }
    }

    public bool SendSegments(ReadOnlySpan<ReadOnlyMemory<byte>> segments)
    {
        var pins = ArrayPool<MemoryHandle>.Shared.Rent(segments.Length);
        var pinned = 0;
        try
        {
            Span<IoVector> vectors = stackalloc IoVector[segments.Length];
            for (; pinned < segments.Length; pinned++)
            {
                pins[pinned] = segments[pinned].Pin();
                vectors[pinned] = new IoVector((nuint)pins[pinned].Pointer, (nuint)segments[pinned].Length);
            }

            return SendVectors(vectors);
        }
        catch (Exception) when (pinned < segments.Length)
        {
            // Memory that cannot be pinned (it was given back): the request is claimed, so it must end here.
            SendError(Errno.EIO);
            throw;
        }
        finally
        {
            for (var i = 0; i < pinned; i++)
            {
                pins[i].Dispose();
            }

            ArrayPool<MemoryHandle>.Shared.Return(pins, clearArray: true);
        }
    }

    public bool SendVectors(ReadOnlySpan<IoVector> content)
    {
        if (_isLate)
        {
            return Finish(Errno.ENOENT);
        }

        Span<IoVector> message = stackalloc IoVector[content.Length + 1];
        var header = new FuseOutHeader { Unique = _header.Unique };
        ulong length = OutHeaderBytes;
        for (var i = 0; i < content.Length; i++)
        {
            message[i + 1] = content[i];
            length += content[i].Length;
        }

        header.Length = (uint)length;
        _sentBytes = (long)length - OutHeaderBytes;
        message[0] = new IoVector((nuint)(&header), OutHeaderBytes);
        return Finish(_channel!.Device.Write(message));
    }

    public bool SendDirectory()
    {
        var buffer = _directory;
        return SendBytes(buffer == null ? default : buffer.AsSpan(0, _directoryLength));
    }

    /// <exception cref="ArgumentException">More than the kernel has room for.</exception>
    public void RequireRoom(long bytes)
    {
        if (bytes > ReplyBytesMax)
        {
            throw new ArgumentException($"{bytes} bytes answer a request for {ReplyBytesMax}.");
        }
    }

    private Errno WriteError(Errno error)
    {
        var header = new FuseOutHeader { Length = OutHeaderBytes, Error = -(int)error, Unique = _header.Unique };
        var vector = new IoVector((nuint)(&header), OutHeaderBytes);
        return _channel!.Device.Write(new ReadOnlySpan<IoVector>(ref vector));
    }

    /// <summary>After the write: nothing of the request is touched once a deferred one is released.</summary>
    private bool Finish(Errno result)
    {
        if (result is not (Errno.None or Errno.ENOENT or Errno.ENODEV or Errno.EPERM or Errno.ECONNABORTED))
        {
            // The kernel refused the answer itself. If the request is still there, it must not wait for ever.
            _server.Options.Observer?.Defect(
                _header.Opcode, _header.Unique, $"The kernel refused the answer: {result}.", null);
            WriteError(Errno.EIO);
        }

        var bytes = _header.Opcode switch
        {
            Opcode.Read => _sentBytes,
            Opcode.Write when !_hasFailed => Second.Length,
            _ => 0,
        };
        var took = Stopwatch.GetElapsedTime(_beganAt);
        _server.Statistics.Answered(_header.Opcode, WasDeferred, _hasFailed, bytes, took);
        if (WasDeferred)
        {
            _server.Flight.Remove(this);
            _server.Budget.Remove(Cost);
            Release();
        }

        return result == Errno.None;
    }
}
