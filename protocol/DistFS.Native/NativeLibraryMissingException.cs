using DistFS.Primitives;

namespace DistFS.Native;

/// <summary>
/// A native library is not installed (<see cref="ErrorCatalog.NativeLibraryMissing"/>); says what to install.
/// </summary>
public sealed class NativeLibraryMissingException : DistFsException
{
    internal NativeLibraryMissingException(LibrarySpec spec, string? wish)
        : base(ErrorCatalog.NativeLibraryMissing, Describe(spec, wish, Distribution.Current))
    {
    }

    /// <summary>The text for a given distribution.</summary>
    internal static string Describe(LibrarySpec spec, string? wish, Distribution distribution)
    {
        if (!string.IsNullOrEmpty(wish))
        {
            return $"{spec.Variable} names '{wish}', which is no library that can be loaded. "
                + "Correct or unset it. "
                + distribution.HowToInstall(spec.Name);
        }

        return $"{spec.Product} is not installed (tried {string.Join(", ", spec.Candidates)}). "
            + $"{distribution.HowToInstall(spec.Name)} Or set {spec.Variable} to the path of the library.";
    }
}

/// <summary>A native library lacks a function (<see cref="ErrorCatalog.NativeLibraryUnfit"/>).</summary>
public sealed class NativeLibraryUnfitException : DistFsException
{
    internal NativeLibraryUnfitException(string file, string function)
        : base(
            ErrorCatalog.NativeLibraryUnfit,
            $"{file} has no function {function}: it is too old, or another library. "
            + "DistFS needs RocksDB 7.8 or newer and LZ4 1.9 or newer.")
    {
    }
}
