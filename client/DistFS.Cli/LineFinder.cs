using DistFS.Client;

namespace DistFS.Cli;

/// <summary>Where lines begin in a file, read from one of its ends only as far as it takes.</summary>
internal static class LineFinder
{
    /// <summary>Of one read; the first ones from the end are shorter, since ten lines are mostly short.</summary>
    private const int BytesMax = 1 << 20;
    private const int BytesMin = 16 << 10;

    /// <summary>The place behind so many lines from the start, or the end of the file.</summary>
    public static async ValueTask<long> BehindFirstAsync(
        DistFsFile file, long lines, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(file);
        var (buffer, end) = (new byte[BytesMax], file.LengthWhenOpened);
        for (var (offset, size) = (0L, BytesMin); lines > 0 && offset < end; size = Math.Min(size * 2, BytesMax))
        {
            var part = buffer.AsMemory(0, (int)Math.Min(size, end - offset));
            var count = await file.ReadAsync(offset, part, cancellation).ConfigureAwait(false);
            if (count == 0)
            {
                return offset;
            }

            for (var at = 0; at < count;)
            {
                var newLine = part.Span[at..count].IndexOf((byte)'\n');
                if (newLine < 0)
                {
                    break;
                }

                at += newLine + 1;
                if (--lines == 0)
                {
                    return offset + at;
                }
            }

            offset += count;
        }

        return lines == 0 ? 0 : end;
    }

    /// <summary>Where the last so many lines begin. What is behind the last line end is a line too.</summary>
    public static async ValueTask<long> LastAsync(DistFsFile file, long lines, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(file);
        var (buffer, end) = (new byte[BytesMax], file.LengthWhenOpened);
        if (lines == 0)
        {
            return end;
        }

        // The line end that the file ends with ends the last line, and begins none.
        var limit = end - 1;
        for (var (offset, size) = (end, BytesMin); offset > 0; size = Math.Min(size * 2, BytesMax))
        {
            var part = buffer.AsMemory(0, (int)Math.Min(size, offset));
            offset -= part.Length;
            var count = await file.ReadAsync(offset, part, cancellation).ConfigureAwait(false);
            for (var at = count; at > 0;)
            {
                at = part.Span[..at].LastIndexOf((byte)'\n');
                if (at >= 0 && offset + at < limit && --lines == 0)
                {
                    return offset + at + 1;
                }

                at = Math.Max(at, 0);
            }
        }

        return 0;
    }
}
