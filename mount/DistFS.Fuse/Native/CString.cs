using System.Text;

namespace DistFS.Fuse;

/// <summary>Text for C: UTF-8 with a zero byte at its end.</summary>
internal static class CString
{
    /// <exception cref="ArgumentException">It holds a zero byte.</exception>
    public static byte[] From(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A zero byte in text for the system.");
        }

        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }
}
