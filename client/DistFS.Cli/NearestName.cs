namespace DistFS.Cli;

/// <summary>"Did you mean": finds what was probably meant by a mistyped name.</summary>
internal static class NearestName
{
    /// <summary>
    /// The nearest candidate when it is near enough: a third of the letters may differ, one at least, or the name is
    /// the start of it.
    /// </summary>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        string? nearest = null;
        var least = int.MaxValue;
        foreach (var candidate in candidates)
        {
            var isStart = name.Length >= 2 && candidate.StartsWith(name, StringComparison.OrdinalIgnoreCase);
            var distance = isStart ? 1 : Distance(name.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (distance < least && distance <= Math.Max(1, Math.Max(name.Length, candidate.Length) / 3))
            {
                (nearest, least) = (candidate, distance);
            }
        }

        return nearest;
    }

    /// <summary>" Did you mean 'ping'?", or nothing.</summary>
    public static string Question(string name, IEnumerable<string> candidates) =>
        Of(name, candidates) is { } nearest ? $" Did you mean '{nearest}'?" : "";

    /// <summary>
    /// Edits from one to the other, an exchange of neighbours counting as one (Damerau and Levenshtein, the variant of
    /// "optimal string alignment").
    /// </summary>
    internal static int Distance(string from, string to)
    {
        var before = new int[to.Length + 1];
        var last = new int[to.Length + 1];
        var row = new int[to.Length + 1];
        for (var j = 0; j <= to.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= from.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var change = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                row[j] = Math.Min(change, Math.Min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            (before, last, row) = (last, row, before);
        }

        return last[to.Length];
    }
}
