namespace DistFS.Cli.Configuration;

/// <summary>A setting that the tool knows. Its name is the key in the file and, with two dashes, the flag.</summary>
/// <param name="Name">In kebab case.</param>
/// <param name="Default">As it would stand in the file; empty for none.</param>
/// <param name="Summary">For <c>dfs config</c> and the documentation.</param>
/// <param name="IsList">Whether the file may have an array; elsewhere commas separate the elements.</param>
internal sealed record SettingKey(string Name, string Default, string Summary, bool IsList = false)
{
    public static readonly SettingKey Cluster = new("cluster", "", "addresses of metaservers", IsList: true);

    public static readonly SettingKey Timeout = new("timeout", "10s", "an operation gives up after this time");

    public static readonly SettingKey Color = new("color", "auto", "auto, always or never");

    /// <summary>Every setting, in the order in which they are shown.</summary>
    public static IReadOnlyList<SettingKey> All { get; } = [Cluster, Timeout, Color];

    /// <summary>DISTFS_TIMEOUT.</summary>
    public string Variable => "DISTFS_" + Name.Replace('-', '_').ToUpperInvariant();
}

/// <summary>A setting that the command line gave.</summary>
/// <param name="Key">Which.</param>
/// <param name="Value">Not yet checked.</param>
/// <param name="Flag">The flag, "--timeout".</param>
internal sealed record FlagValue(SettingKey Key, string Value, string Flag);

/// <summary>The effective value of a setting.</summary>
/// <param name="Key">Which.</param>
/// <param name="Value">As text; elements of a list with commas between.</param>
/// <param name="Origin">"flag --timeout", "environment DISTFS_TIMEOUT", "file /etc/…" or "default".</param>
internal sealed record SettingValue(SettingKey Key, string Value, string Origin);
