namespace DistFS.Raft.Tests.Scenarios;

/// <summary>
/// A file of testdata: blocks of commands, a line "----", then what they printed, up to an empty line. What starts with
/// "#" is for the reader. docs: testdata/README.md.
/// </summary>
internal static class Scenario
{
    private const string Divider = "----";

    /// <summary>Runs all blocks and returns the file with what they print now.</summary>
    public static string Run(string text)
    {
        var runner = new ScenarioRunner();
        var output = new List<string>();
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            output.Add(lines[i]);
            if (lines[i].StartsWith('#') || lines[i].Length == 0)
            {
                continue;
            }

            if (lines[i] != Divider)
            {
                runner.Do(lines[i]);
                continue;
            }

            output.AddRange(runner.TakeOutput());
            while (i + 1 < lines.Length && lines[i + 1].Length > 0)
            {
                i++;
            }
        }

        return string.Join('\n', output);
    }

    /// <summary>Members by their names: "m2" is 2.</summary>
    public static int Member(string name) =>
        name.Length > 1 && name[0] == 'm' && int.TryParse(name.AsSpan(1), out var id)
            ? id
            : throw new FormatException($"'{name}' is no member; say m1, m2, ...");

    /// <summary>"m1->m2", with * for anybody.</summary>
    public static Func<RaftMessage, bool> Link(string text)
    {
        if (text == "all")
        {
            return _ => true;
        }

        var ends = text.Split("->");
        return ends.Length != 2
            ? throw new FormatException($"'{text}' is no link; say m1->m2, *->m2 or all")
            : message => Is(ends[0], message.From) && Is(ends[1], message.To);
    }

    /// <summary>"voters=1,2" of the words.</summary>
    public static ulong[] Numbers(IEnumerable<string> words, string name) => words
        .Where(word => word.StartsWith(name + "=", StringComparison.Ordinal))
        .SelectMany(word => word[(name.Length + 1)..].Split(','))
        .Select(number => ulong.Parse(number, System.Globalization.CultureInfo.InvariantCulture))
        .ToArray();

    private static bool Is(string name, MemberId id) => name == "*" || id.Value == (ulong)Member(name);
}
