using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DistFS.Fuse;

namespace DistFS.Mount.Tests;

/// <summary>The other side of a connection that asks for INIT only, and notes what it is notified of.</summary>
internal sealed unsafe class NotedDevice(FuseFeatures offered, ConcurrentQueue<string> notes) : IFuseDevice
{
    private readonly ManualResetEventSlim _mayRead = new(true);
    private bool _isAsked;

    public Errno Read(Span<byte> buffer, out int length)
    {
        _mayRead.Wait();
        _mayRead.Reset();
        length = 0;
        if (_isAsked)
        {
            return Errno.EINTR;
        }

        _isAsked = true;
        var offer = new FuseInitIn
        {
            Major = 7,
            Minor = 45,
            Flags = (uint)offered,
            Flags2 = (uint)((ulong)offered >> 32),
        };
        length = sizeof(FuseInHeader) + sizeof(FuseInitIn);
        var header = new FuseInHeader { Length = (uint)length, Opcode = Opcode.Init, Unique = 2 };
        MemoryMarshal.Write(buffer, in header);
        MemoryMarshal.Write(buffer[sizeof(FuseInHeader)..], in offer);
        return Errno.None;
    }

    public Errno Write(ReadOnlySpan<IoVector> message)
    {
        List<byte> bytes = [];
        foreach (var piece in message)
        {
            bytes.AddRange(new ReadOnlySpan<byte>((void*)piece.Address, (int)piece.Length));
        }

        var header = MemoryMarshal.Read<FuseOutHeader>(CollectionsMarshal.AsSpan(bytes));
        if (header.Unique == 0)
        {
            notes.Enqueue($"{header.Error} {Convert.ToHexString([.. bytes.Skip(Unsafe.SizeOf<FuseOutHeader>())])}");
        }

        return Errno.None;
    }

    /// <summary>One whose reads wait for nothing but the end.</summary>
    public IFuseDevice Clone()
    {
        var clone = new NotedDevice(offered, notes) { _isAsked = true };
        clone._mayRead.Reset();
        return clone;
    }

    public void Interrupt() => _mayRead.Set();

    public void Sever()
    {
    }

    public void Dispose()
    {
    }
}
