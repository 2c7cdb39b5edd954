namespace DistFS.Cli.Output;

/// <summary>Breaks text between words.</summary>
internal static class TextWrap
{
    /// <summary>A comfortable line, also where nothing limits it.</summary>
    public const int ReadableWidth = 100;

    /// <summary>The lines; a word longer than the width stands alone.</summary>
    public static IReadOnlyList<string> Lines(string text, int width)
    {
        ArgumentNullException.ThrowIfNull(text);
        var lines = new List<string>();
        var line = "";
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                lines.Add(line);
                line = word;
            }
            else
            {
                line = line.Length == 0 ? word : $"{line} {word}";
            }
        }

        lines.Add(line);
        return lines;
    }
}
