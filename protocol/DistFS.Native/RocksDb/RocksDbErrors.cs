using System.Globalization;
using System.Runtime.InteropServices;
using DistFS.Primitives;

namespace DistFS.Native.RocksDb;

/// <summary>
/// Turns the engine's error strings into exceptions. The C API gives nothing but <c>Status::ToString()</c>: a kind
/// ("IO error: "), perhaps a subcode ("No space left on device: "), and a text (util/status.cc of RocksDB).
/// </summary>
internal static unsafe class RocksDbErrors
{
    // Texts that mean: another version wrote this. They come under "Corruption" as well as under "Invalid argument".
    private static readonly string[] VersionTexts =
    [
        "Column families not opened",
        "Column family not found",
        "does not match existing comparator",
        "create_if_missing is false",
        "Unknown header version",
        "newer version of RocksDB",
        "External file version is not supported",
        "Unsupported compression",
        "Unsupported block-based table format",
        "Unknown table magic number",
    ];

    /// <summary>Throws when a call left an error.</summary>
    public static void ThrowIfError(byte* error, string path)
    {
        if (error is not null)
        {
            throw Take(error, path);
        }
    }

    /// <summary>Reads the string, gives it back to the library that allocated it, and makes the exception.</summary>
    public static RocksDbException Take(byte* error, string path)
    {
        var text = Marshal.PtrToStringUTF8((nint)error) ?? string.Empty;
        RocksNative.Free(error);
        return Classify(text, path);
    }

    /// <summary>The exception of an error text.</summary>
    internal static RocksDbException Classify(string text, string path)
    {
        if (IsFull(text))
        {
            return new StoreFullException(path, text);
        }

        if (text.StartsWith("IO error: lock ", StringComparison.Ordinal)
            || text.Contains("While lock file", StringComparison.Ordinal))
        {
            return new StoreLockedException(path, text);
        }

        if (VersionTexts.Any(known => text.Contains(known, StringComparison.Ordinal)) || IsNewerFormat(text))
        {
            return new StoreVersionException(path, text);
        }

        if (text.StartsWith("Corruption:", StringComparison.Ordinal) || LacksItsOwnFile(text))
        {
            return new StoreCorruptException(path, text);
        }

        return text.StartsWith("IO error:", StringComparison.Ordinal)
            ? new StoreIoException(path, text)
            : new StoreRefusedException(path, text, StatusOf(text));
    }

    private static bool IsFull(string text) =>
        text.Contains("No space left on device", StringComparison.Ordinal)
        || text.Contains("Disk quota exceeded", StringComparison.Ordinal)
        || text.Contains("Space limit reached", StringComparison.Ordinal);

    // CURRENT names a manifest, and the manifest names tables: one of those that is gone was lost, not never written.
    private static bool LacksItsOwnFile(string text) =>
        text.Contains("No such file or directory", StringComparison.Ordinal)
        && (text.Contains("MANIFEST-", StringComparison.Ordinal)
            || text.Contains("/CURRENT", StringComparison.Ordinal)
            || text.Contains(".blob", StringComparison.Ordinal));

    // "Corrupt or unsupported format_version: 7": a small number is the next version's, a large one is damage.
    private static bool IsNewerFormat(string text)
    {
        const int PlausibleMax = 100;
        const string Mark = "unsupported format_version: ";
        const string OtherMark = "unsupported checksum type: ";
        foreach (var mark in (ReadOnlySpan<string>)[Mark, OtherMark])
        {
            var at = text.IndexOf(mark, StringComparison.Ordinal);
            if (at >= 0)
            {
                var number = text.AsSpan(at + mark.Length);
                var end = number.IndexOfAnyExceptInRange('0', '9');
                return uint.TryParse(
                    end < 0 ? number : number[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var version)
                    && version <= PlausibleMax;
            }
        }

        return false;
    }

    private static FsStatus StatusOf(string text) => text switch
    {
        _ when text.Contains("error_if_exists is true", StringComparison.Ordinal) => FsStatus.AlreadyExists,
        _ when text.StartsWith("Not implemented:", StringComparison.Ordinal) => FsStatus.NotSupported,
        _ when text.StartsWith("Resource busy:", StringComparison.Ordinal) => FsStatus.Busy,
        _ when text.StartsWith("Operation timed out:", StringComparison.Ordinal) => FsStatus.TimedOut,
        _ when text.StartsWith("Shutdown in progress:", StringComparison.Ordinal) => FsStatus.Cancelled,
        _ when text.StartsWith("Operation aborted:", StringComparison.Ordinal) => FsStatus.Cancelled,
        _ when text.StartsWith("Operation failed. Try again.", StringComparison.Ordinal) => FsStatus.TryAgain,
        _ when text.StartsWith("Result incomplete:", StringComparison.Ordinal) => FsStatus.TryAgain,
        _ => FsStatus.Invalid,
    };
}
