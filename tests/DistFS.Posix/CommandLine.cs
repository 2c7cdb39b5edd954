using System.Globalization;

namespace DistFS.Posix;

/// <summary>The command line, read.</summary>
internal sealed record CommandLine(SuiteOptions Options)
{
    public bool List { get; private init; }

    public bool Json { get; private init; }

    public bool Verbose { get; private init; }

    public Fault Plant { get; private init; }

    public static bool TryParse(string[] arguments, out CommandLine line, out string problem)
    {
        line = new CommandLine(new SuiteOptions { Directory = "" });
        problem = "";
        var directories = new List<string>();
        for (var i = 0; i < arguments.Length && problem.Length == 0; i++)
        {
            var option = arguments[i];
            if (!option.StartsWith("--", StringComparison.Ordinal))
            {
                directories.Add(option);
                continue;
            }

            var takesValue = option
                is "--only" or "--operations" or "--entries" or "--seed" or "--deadline" or "--plant";
            if (takesValue && i + 1 == arguments.Length)
            {
                problem = $"{option} needs a value.";
                return false;
            }

            problem = Apply(ref line, option, takesValue ? arguments[++i] : "");
        }

        if (problem.Length == 0 && !line.List && directories.Count is not (1 or 2))
        {
            problem = "One or two directories are needed.";
        }

        if (problem.Length == 0 && CheckList.Select(line.Options.Only).Count == 0)
        {
            problem = "No check has this in its name.";
        }

        if (directories.Count > 0)
        {
            line = line with
            {
                Options = line.Options with
                {
                    Directory = FromText(Path.GetFullPath(directories[0])),
                    SecondDirectory = directories.Count > 1 ? FromText(Path.GetFullPath(directories[1])) : null,
                },
            };
        }

        return problem.Length == 0;
    }

    private static string Apply(ref CommandLine line, string option, string value)
    {
        var options = line.Options;
        switch (option)
        {
            case "--list":
                line = line with { List = true };
                return "";
            case "--json":
                line = line with { Json = true };
                return "";
            case "--verbose":
                line = line with { Verbose = true };
                return "";
            case "--require-all":
                line = line with { Options = options with { RequireAll = true } };
                return "";
            case "--only":
                line = line with { Options = options with { Only = [.. options.Only, value] } };
                return "";
            case "--plant" when Enum.TryParse<Fault>(value, ignoreCase: true, out var fault):
                line = line with { Plant = fault };
                return "";
            case "--plant":
                return $"--plant takes one of {string.Join(", ", Enum.GetNames<Fault>())}.";
        }

        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return option is "--operations" or "--entries" or "--seed" or "--deadline"
                ? $"{option} needs a number, this is '{value}'."
                : $"{option} is not known.";
        }

        line = line with
        {
            Options = option switch
            {
                "--operations" => options with { Operations = number },
                "--entries" => options with { Entries = number },
                "--seed" => options with { Seed = number },
                "--deadline" => options with { Deadline = TimeSpan.FromSeconds(number) },
                _ => options,
            },
        };
        return "";
    }
}
