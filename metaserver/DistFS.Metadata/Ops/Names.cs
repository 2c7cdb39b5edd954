using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Ops;

/// <summary>
/// What may be a name: 1 to 255 bytes of any kind but '/' and NUL, and neither '.' nor '..' (POSIX, 3.170).
/// </summary>
internal static class Names
{
    /// <summary>Whether it may be one.</summary>
    public static FsStatus Check(ReadOnlySpan<byte> name) =>
        name.IsEmpty ? FsStatus.NotFound
        : name.Length > RowKey.NameBytesMax ? FsStatus.NameTooLong
        : name.ContainsAny((byte)'/', (byte)0) || IsDots(name) ? FsStatus.Invalid
        : FsStatus.Ok;

    private static bool IsDots(ReadOnlySpan<byte> name) => name.SequenceEqual("."u8) || name.SequenceEqual(".."u8);
}
