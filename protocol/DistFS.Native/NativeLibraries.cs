using System.Runtime.InteropServices;
using DistFS.Primitives;

namespace DistFS.Native;

/// <summary>
/// Finds librocksdb and liblz4. Distributions put the version into the name of the file (librocksdb.so.7.8) and give
/// the plain name only to their development packages, which a server does not have; so the usual names are tried in
/// turn.
/// </summary>
internal static class NativeLibraries
{
    /// <summary>The name by which the C API of RocksDB is imported.</summary>
    public const string RocksDbName = "rocksdb";

    /// <summary>The name by which liblz4 is imported.</summary>
    public const string Lz4Name = "lz4";

    // Every name: 7.8 is what DistFS is tested with, so it comes first. Then newer to older, then the plain names.
    private static readonly LibrarySpec RocksDbSpec = new(
        RocksDbName,
        "RocksDB",
        "DISTFS_ROCKSDB",
        Linux:
        [
            "librocksdb.so.7.8", "librocksdb.so.9.10", "librocksdb.so.9", "librocksdb.so.8.9", "librocksdb.so.8",
            "librocksdb.so.7.9", "librocksdb.so.7.10", "librocksdb.so.7", "librocksdb.so",
        ],
        MacOS: ["librocksdb.dylib", "/opt/homebrew/lib/librocksdb.dylib", "/usr/local/lib/librocksdb.dylib"],
        Windows: ["rocksdb.dll", "rocksdb-shared.dll"],
        // The youngest functions that are called: a library that has them has the others.
        Needs:
        [
            "rocksdb_open_column_families", "rocksdb_batched_multi_get_cf", "rocksdb_sstfilewriter_delete_range",
            "rocksdb_options_set_atomic_flush", "rocksdb_options_set_blob_compaction_readahead_size",
            "rocksdb_flush_wal", "rocksdb_delete_file_in_range_cf", "rocksdb_column_family_handle_get_id",
        ]);

    private static readonly LibrarySpec Lz4Spec = new(
        Lz4Name,
        "LZ4",
        "DISTFS_LZ4",
        Linux: ["liblz4.so.1", "liblz4.so"],
        MacOS: ["liblz4.dylib", "liblz4.1.dylib", "/opt/homebrew/lib/liblz4.dylib", "/usr/local/lib/liblz4.dylib"],
        Windows: ["liblz4.dll", "lz4.dll"],
        Needs: ["LZ4_compress_fast_extState", "LZ4_decompress_safe", "LZ4_sizeofState", "LZ4_versionNumber"]);

    private static readonly Lazy<LibraryLookup> RocksDbLookup = new(() => LibraryLookup.Find(RocksDbSpec));
    private static readonly Lazy<LibraryLookup> Lz4Lookup = new(FindLz4);

    // The runtime refuses a second resolver for one assembly; a static constructor runs once.
    static NativeLibraries() =>
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, static (name, _, _) => name switch
        {
            RocksDbName => RocksDb.Require(),
            Lz4Name => Lz4.Require(),
            _ => 0, // libc: the runtime finds it.
        });

    /// <summary>librocksdb, looked for once.</summary>
    public static LibraryLookup RocksDb => RocksDbLookup.Value;

    /// <summary>liblz4, looked for once. Not loaded and without an error means: use the managed codec.</summary>
    public static LibraryLookup Lz4 => Lz4Lookup.Value;

    /// <summary>Makes sure that the resolver is in place; called by the static constructor of each binding.</summary>
    public static void Register()
    {
        // Running the static constructor is the effect.
    }

    private static LibraryLookup FindLz4()
    {
        var wish = Environment.GetEnvironmentVariable(Lz4Spec.Variable);
        if (string.Equals(wish, "managed", StringComparison.OrdinalIgnoreCase))
        {
            return LibraryLookup.NotWanted;
        }

        var lookup = LibraryLookup.Find(Lz4Spec);
        return lookup.IsLoaded || !string.IsNullOrEmpty(wish) ? lookup : LibraryLookup.NotWanted;
    }
}

/// <summary>What to look for.</summary>
/// <param name="Name">The name in LibraryImport.</param>
/// <param name="Product">The name for people.</param>
/// <param name="Variable">The environment variable that names a file, and then nothing else is tried.</param>
/// <param name="Linux">File names there, in the order of trying.</param>
/// <param name="MacOS">File names there.</param>
/// <param name="Windows">File names there.</param>
/// <param name="Needs">Functions without which the library is of no use.</param>
internal sealed record LibrarySpec(
    string Name,
    string Product,
    string Variable,
    IReadOnlyList<string> Linux,
    IReadOnlyList<string> MacOS,
    IReadOnlyList<string> Windows,
    IReadOnlyList<string> Needs)
{
    /// <summary>The file names of the running system.</summary>
    public IReadOnlyList<string> Candidates =>
        OperatingSystem.IsWindows() ? Windows : OperatingSystem.IsMacOS() ? MacOS : Linux;
}

/// <summary>The result of one search.</summary>
/// <param name="Handle">Of the loaded library, or 0.</param>
/// <param name="File">The name that was found, or null.</param>
/// <param name="Error">Why there is no library.</param>
internal sealed record LibraryLookup(nint Handle, string? File, DistFsException? Error)
{
    /// <summary>A library that is absent, which is no error.</summary>
    public static readonly LibraryLookup NotWanted = new(0, null, null);

    /// <summary>Whether the library can be called.</summary>
    public bool IsLoaded => Handle != 0;

    /// <summary>The handle.</summary>
    /// <exception cref="DistFsException">The library is missing or unfit.</exception>
    public nint Require() => Error is null ? Handle : throw Error;

    /// <summary>Looks at the place that the environment names, or at the usual names.</summary>
    public static LibraryLookup Find(LibrarySpec spec)
    {
        var wish = Environment.GetEnvironmentVariable(spec.Variable);
        DistFsException? unfit = null;
        foreach (var candidate in string.IsNullOrEmpty(wish) ? spec.Candidates : [wish])
        {
            if (!NativeLibrary.TryLoad(candidate, out var handle))
            {
                continue;
            }

            var lacking = spec.Needs.FirstOrDefault(function => !NativeLibrary.TryGetExport(handle, function, out _));
            if (lacking is null)
            {
                return new LibraryLookup(handle, candidate, null);
            }

            NativeLibrary.Free(handle);
            unfit ??= new NativeLibraryUnfitException(candidate, lacking);
        }

        return new LibraryLookup(0, null, unfit ?? new NativeLibraryMissingException(spec, wish));
    }
}
