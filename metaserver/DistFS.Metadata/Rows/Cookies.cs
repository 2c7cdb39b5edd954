using DistFS.Metadata.Store;

namespace DistFS.Metadata.Rows;

/// <summary>
/// Places in a listing of a directory: readdir goes on after one (POSIX, readdir, telldir). Below those of names stand
/// the start, '.' and '..'; all are positive as signed numbers, which they are in <c>d_off</c>.
/// </summary>
public static class Cookies
{
    /// <summary>Before everything.</summary>
    public const ulong Start = 0;

    /// <summary>That of '.'.</summary>
    public const ulong Self = 1;

    /// <summary>That of '..'.</summary>
    public const ulong Parent = 2;

    /// <summary>The lowest of a name.</summary>
    public const ulong First = 3;

    /// <summary>The highest of a name; the one above it says "at the end" in some programs.</summary>
    public const ulong Last = long.MaxValue - 1;

    /// <summary>That of a name: its hash under the cluster's key.</summary>
    public static ulong Of(UInt128 nameKey, ReadOnlySpan<byte> name) =>
        Math.Clamp(SipHash.Compute(nameKey, name) >> 1, First, Last);
}
