using System.Text;
using DistFS.Primitives;

namespace DistFS.Client.Names;

/// <summary>
/// Paths as the client takes them: names with '/' between, from the root whether they begin with '/' or not. A name is
/// 1 to 255 bytes of UTF-8 without NUL.
/// </summary>
internal static class PathName
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The names of a path, without empty ones and '.'; the root has none.</summary>
    /// <exception cref="DistFsException">It can be no path.</exception>
    public static IReadOnlyList<byte[]> NamesOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0)
        {
            throw FileErrors.Of(FsStatus.NotFound, "An empty path");
        }

        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw FileErrors.Of(FsStatus.Invalid, "A path with NUL in it");
        }

        try
        {
            return
            [
                .. path.Split('/', StringSplitOptions.RemoveEmptyEntries)
                    .Where(static name => name != ".")
                    .Select(Strict.GetBytes),
            ];
        }
        catch (EncoderFallbackException e)
        {
            throw new DistFsException(
                ErrorCatalog.FileRefused, $"{path}: half of a surrogate pair is no character.", e, FsStatus.Invalid);
        }
    }

    /// <summary>The names of a link's target, which are bytes.</summary>
    public static IEnumerable<byte[]> NamesOf(ReadOnlyMemory<byte> target)
    {
        for (var rest = target; !rest.IsEmpty;)
        {
            var end = rest.Span.IndexOf((byte)'/');
            var name = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (!name.IsEmpty && !name.Span.SequenceEqual("."u8))
            {
                yield return name.ToArray();
            }
        }
    }

    /// <summary>A name for people; bytes that are no UTF-8 are replaced.</summary>
    public static string TextOf(ReadOnlySpan<byte> name) => Encoding.UTF8.GetString(name);
}
