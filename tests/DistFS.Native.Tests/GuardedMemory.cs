using System.Runtime.InteropServices;

namespace DistFS.Native.Tests;

/// <summary>
/// Memory that ends, or begins, right at a page that cannot be touched: a read or write one byte outside kills the test
/// process, which no amount of luck hides.
/// </summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private static readonly int PageBytes = Environment.SystemPageSize;

    private readonly byte* _start;
    private readonly nuint _bytes;

    public GuardedMemory(int bytesMax)
    {
        var inner = (bytesMax + PageBytes - 1) / PageBytes * PageBytes;
        _bytes = (nuint)(inner + (2 * PageBytes));
        _start = (byte*)Map(0, _bytes, ReadWrite, PrivateAnonymous, -1, 0);
        Assert.NotEqual(-1, (nint)_start);
        Assert.Equal(0, Protect((nint)_start, (nuint)PageBytes, 0));
        Assert.Equal(0, Protect((nint)(_start + PageBytes + inner), (nuint)PageBytes, 0));
    }

    /// <summary>The last bytes before the guard.</summary>
    public Span<byte> AtEnd(int length) => new(_start + (int)_bytes - PageBytes - length, length);

    /// <summary>The first bytes after the guard.</summary>
    public Span<byte> AtStart(int length) => new(_start + PageBytes, length);

    public void Dispose() => Assert.Equal(0, Unmap((nint)_start, _bytes));

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
