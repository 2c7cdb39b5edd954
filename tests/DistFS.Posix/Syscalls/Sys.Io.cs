namespace DistFS.Posix.Syscalls;

/// <summary>Bytes in and out.</summary>
public static unsafe partial class Sys
{
    public static Outcome Read(int fd, Span<byte> buffer) =>
        Spoilt(Of(Libc.Read(fd, buffer.IsEmpty ? Nothing : buffer, buffer.Length)), buffer);

    public static Outcome Write(int fd, ReadOnlySpan<byte> buffer) =>
        Of(Libc.Write(fd, buffer.IsEmpty ? Nothing : buffer, buffer.Length));

    public static Outcome Write(int fd, string text) => Write(fd, Bytes(text));

    public static Outcome PRead(int fd, Span<byte> buffer, long offset) =>
        Spoilt(Of(Libc.PRead(fd, buffer.IsEmpty ? Nothing : buffer, buffer.Length, offset)), buffer);

    public static Outcome PWrite(int fd, ReadOnlySpan<byte> buffer, long offset) => Of(Libc.PWrite(
        fd, buffer.IsEmpty ? Nothing : buffer, buffer.Length, Planted.Is(Fault.WriteOffByOne) ? offset + 1 : offset));

    public static Outcome PWrite(int fd, string text, long offset) => PWrite(fd, Bytes(text), offset);

    /// <summary>
    /// preadv(2) into the arrays one after the other; at the file's position when offset is negative.
    /// </summary>
    public static Outcome ReadV(int fd, byte[][] buffers, long offset) => Vectored(
        buffers,
        (vectors, count) => offset < 0
            ? Libc.ReadV(fd, (Libc.IoVector*)vectors, count)
            : Libc.PReadV(fd, (Libc.IoVector*)vectors, count, offset));

    /// <summary>pwritev(2) of the arrays one after the other; at the file's position when offset is negative.</summary>
    public static Outcome WriteV(int fd, byte[][] buffers, long offset) => Vectored(
        buffers,
        (vectors, count) => offset < 0
            ? Libc.WriteV(fd, (Libc.IoVector*)vectors, count)
            : Libc.PWriteV(fd, (Libc.IoVector*)vectors, count, offset));

    private static Outcome Vectored(byte[][] buffers, Func<nint, int, nint> call)
    {
        var handles = new System.Buffers.MemoryHandle[buffers.Length];
        var vectors = stackalloc Libc.IoVector[Math.Max(1, buffers.Length)];
        for (var i = 0; i < buffers.Length; i++)
        {
            handles[i] = buffers[i].AsMemory().Pin();
            vectors[i] = new Libc.IoVector { Base = handles[i].Pointer, Length = buffers[i].Length };
        }

        // The error number is taken before the pins are released: releasing may call into the runtime.
        var outcome = Of(call((nint)vectors, buffers.Length));
        foreach (var handle in handles)
        {
            handle.Dispose();
        }

        return outcome;
    }

    /// <summary>With <see cref="Fault.ReadFlipsByte"/> a large read has one wrong byte.</summary>
    private static Outcome Spoilt(Outcome outcome, Span<byte> buffer)
    {
        if (Planted.Is(Fault.ReadFlipsByte) && outcome is { IsOk: true, Value: > 4096 })
        {
            buffer[4095] ^= 1;
        }

        return outcome;
    }
}
