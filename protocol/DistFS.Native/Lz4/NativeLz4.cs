using System.Runtime.InteropServices;

namespace DistFS.Native;

/// <summary>liblz4. Call only when <see cref="NativeLibraries.Lz4"/> is loaded.</summary>
internal sealed unsafe partial class NativeLz4 : ILz4Codec
{
    private const string Library = NativeLibraries.Lz4Name;

    // liblz4 wants a hash table of 16 KiB for each call. One per thread, kept, costs less than the library's own, which
    // lies on the stack and is cleared by code that also initialises what a single block does not use.
    [ThreadStatic]
    private static CompressionState? _state;

    static NativeLz4() => NativeLibraries.Register();

    private NativeLz4()
    {
    }

    /// <summary>"1.9.4".</summary>
    public static string Version
    {
        get
        {
            var number = VersionNumber();
            return $"{number / 10_000}.{number / 100 % 100}.{number % 100}";
        }
    }

    /// <inheritdoc/>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> destination, int acceleration)
    {
        if (destination.IsEmpty)
        {
            return 0;
        }

        var state = _state ??= new CompressionState((nuint)SizeOfState());
        byte none = 0;
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            // A null pointer for no bytes is undefined behaviour inside the library (it does arithmetic on it).
            return CompressFastExtState(
                state.Pointer, from is null ? &none : from, to, source.Length, destination.Length, acceleration);
        }
    }

    /// <inheritdoc/>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (source.IsEmpty)
        {
            return -1;
        }

        byte none = 0;
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            return DecompressSafe(from, to is null ? &none : to, source.Length, destination.Length);
        }
    }

    [LibraryImport(Library, EntryPoint = "LZ4_versionNumber")]
    private static partial int VersionNumber();

    [LibraryImport(Library, EntryPoint = "LZ4_sizeofState")]
    private static partial int SizeOfState();

    [LibraryImport(Library, EntryPoint = "LZ4_compress_fast_extState")]
    private static partial int CompressFastExtState(
        void* state, byte* source, byte* destination, int sourceSize, int destinationCapacity, int acceleration);

    [LibraryImport(Library, EntryPoint = "LZ4_decompress_safe")]
    private static partial int DecompressSafe(
        byte* source, byte* destination, int compressedSize, int destinationCapacity);

    /// <summary>Memory of one thread; freed by the finalizer of the handle after the thread has ended.</summary>
    private sealed class CompressionState : SafeHandle
    {
        public CompressionState(nuint bytes)
            : base(0, ownsHandle: true) => SetHandle((nint)NativeMemory.AlignedAlloc(bytes, 64));

        public override bool IsInvalid => handle == 0;

        public void* Pointer => (void*)handle;

        protected override bool ReleaseHandle()
        {
            NativeMemory.AlignedFree((void*)handle);
            return true;
        }
    }
}
