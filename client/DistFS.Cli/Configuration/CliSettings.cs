using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Cli.Configuration;

/// <summary>When to print colours.</summary>
internal enum ColorMode
{
    /// <summary>On a terminal that can.</summary>
    Auto,

    /// <summary>Also into files and pipes.</summary>
    Always,

    /// <summary>Not at all.</summary>
    Never,
}

/// <summary>The effective settings, checked once, when they are read.</summary>
internal sealed record CliSettings
{
    /// <summary>The longest time-out.</summary>
    public static readonly TimeSpan TimeoutMax = TimeSpan.FromDays(1);

    /// <summary>Of the metaservers, in the order in which they were given; may be empty.</summary>
    public required IReadOnlyList<RpcAddress> Cluster { get; init; }

    /// <summary>1 ms to 1 day.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>When to print colours.</summary>
    public required ColorMode Color { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="DistFsException">
    /// <see cref="ErrorCatalog.Configuration"/>; names the setting and its origin.
    /// </exception>
    public static CliSettings From(IReadOnlyList<SettingValue> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new CliSettings
        {
            Cluster = ParseCluster(Value(SettingKey.Cluster)),
            Timeout = ParseTimeout(Value(SettingKey.Timeout)),
            Color = ParseColor(Value(SettingKey.Color)),
        };

        SettingValue Value(SettingKey key) => values.Single(value => value.Key == key);
    }

    /// <summary>The addresses, for a verb that needs a cluster.</summary>
    /// <exception cref="DistFsException">There are none; says what to set.</exception>
    public IReadOnlyList<RpcAddress> RequireCluster() => Cluster.Count > 0
        ? Cluster
        : throw new DistFsException(
            ErrorCatalog.Configuration,
            $"No cluster is named. Give --cluster host:port, or set {SettingKey.Cluster.Variable}, "
            + "or \"cluster\" in the configuration file.");

    /// <summary>Reads auto, always or never.</summary>
    public static ColorMode ParseColor(SettingValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.Value switch
        {
            "auto" => ColorMode.Auto,
            "always" => ColorMode.Always,
            "never" => ColorMode.Never,
            _ => throw Refuse(value, "must be auto, always or never"),
        };
    }

    private static RpcAddress[] ParseCluster(SettingValue value) =>
    [
        .. value.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(text =>
            RpcAddress.TryParse(text, out var address)
                ? address
                : throw Refuse(
                    value with { Value = text }, "is no address; write host:port, [ipv6]:port or unix:/path")),
    ];

    private static TimeSpan ParseTimeout(SettingValue value)
    {
        if (!Duration.TryParse(value.Value, out var timeout))
        {
            throw Refuse(value, $"is no duration; {Duration.Hint}");
        }

        return timeout >= TimeSpan.FromMilliseconds(1) && timeout <= TimeoutMax
            ? timeout
            : throw Refuse(value, "is out of range; 1ms to 1d");
    }

    private static DistFsException Refuse(SettingValue value, string rule) =>
        new(ErrorCatalog.Configuration, $"{value.Key.Name} '{value.Value}' ({value.Origin}) {rule}.");
}
