using System.CommandLine;
using System.CommandLine.Help;
using DistFS.Cli.Configuration;

namespace DistFS.Cli;

/// <summary>The options of every verb.</summary>
internal sealed class GlobalOptions
{
    public HelpOption Help { get; } = new("--help", "-h") { Description = "Show help with examples" };

    public Option<bool> Json { get; } = Global<bool>("--json", "Print the result, or the error, as JSON");

    public Option<string?> Config { get; } =
        Global<string?>("--config", "Read this configuration file [env: DISTFS_CONFIG]", "FILE");

    public Option<string?> Cluster { get; } = Global<string?>(
        "--cluster", "Addresses of metaservers, with commas between [env: DISTFS_CLUSTER]", "ADDRESSES");

    public Option<string?> Timeout { get; } = Global<string?>(
        "--timeout", "Give up an operation after this time [env: DISTFS_TIMEOUT; default 10s]", "DURATION");

    public Option<bool> NoColor { get; } = Global<bool>("--no-color", "Print without colours [env: NO_COLOR]");

    public Option<bool> Verbose { get; } = Global<bool>("--verbose", "Say more; errors with their stack");

    /// <summary>All of them, in the order of the help.</summary>
    public IReadOnlyList<Option> All => [Json, Config, Cluster, Timeout, NoColor, Verbose, Help];

    /// <summary>The options whose value is the next word, for finding the verb before anything is parsed.</summary>
    public static bool TakesNextWord(string word) => word is "--config" or "--cluster" or "--timeout";

    /// <summary>The settings that flags give, by their names in <see cref="SettingKey"/>.</summary>
    public IReadOnlyList<FlagValue> Flags(ParseResult arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var flags = new List<FlagValue>();
        Add(SettingKey.Cluster, Cluster);
        Add(SettingKey.Timeout, Timeout);
        if (arguments.GetValue(NoColor))
        {
            flags.Add(new FlagValue(SettingKey.Color, "never", NoColor.Name));
        }

        return flags;

        void Add(SettingKey key, Option<string?> option)
        {
            if (arguments.GetValue(option) is { } value)
            {
                flags.Add(new FlagValue(key, value, option.Name));
            }
        }
    }

    private static Option<T> Global<T>(string name, string description, string? value = null) =>
        new(name) { Description = description, HelpName = value, Recursive = true };
}
