using System.Text.Json;
using DistFS.Primitives;
using Microsoft.Extensions.Configuration;

namespace DistFS.Cli.Configuration;

/// <summary>Which file is read.</summary>
/// <param name="Path">Of the file; null where the system has no folder for it.</param>
/// <param name="Origin">"flag --config", "environment DISTFS_CONFIG" or "default".</param>
/// <param name="MustExist">Somebody named it.</param>
internal sealed record ConfigurationFile(string? Path, string Origin, bool MustExist)
{
    /// <summary>Whether it is there.</summary>
    public bool Exists => Path != null && File.Exists(Path);
}

/// <summary>
/// Flags over environment over one file over defaults. Only verbs that ask for settings pay for reading them.
/// </summary>
internal sealed class CliConfiguration
{
    /// <summary>The variable that names the file.</summary>
    public const string FileVariable = "DISTFS_CONFIG";

    /// <summary>Of https://no-color.org: any value but an empty one means no colours.</summary>
    public const string NoColorVariable = "NO_COLOR";

    private CliConfiguration(ConfigurationFile file, IReadOnlyList<SettingValue> values, CliSettings settings) =>
        (File, Values, Settings) = (file, values, settings);

    /// <summary>The file that was read, or would be.</summary>
    public ConfigurationFile File { get; }

    /// <summary>Every setting with its origin.</summary>
    public IReadOnlyList<SettingValue> Values { get; }

    /// <summary>The checked settings.</summary>
    public CliSettings Settings { get; }

    /// <summary>Reads and checks everything.</summary>
    /// <param name="flags">What the command line gave.</param>
    /// <param name="configFlag">The value of --config.</param>
    /// <param name="environment">Reads a variable.</param>
    /// <exception cref="DistFsException"><see cref="ErrorCatalog.Configuration"/>.</exception>
    public static CliConfiguration Load(
        IReadOnlyList<FlagValue> flags, string? configFlag, Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(flags);
        ArgumentNullException.ThrowIfNull(environment);
        var file = Locate(configFlag, environment);
        var content = Read(file);
        if (content != null)
        {
            RefuseUnknownKeys(content, file.Path!);
        }

        SettingValue[] values = [.. SettingKey.All.Select(key => Resolve(key, flags, environment, content, file))];
        return new CliConfiguration(file, values, CliSettings.From(values));
    }

    /// <summary>What the command line or else the environment says of colours; "auto" when they say nothing.</summary>
    public static string ColorWithoutFile(bool noColor, Func<string, string?> environment) =>
        noColor ? "never" : FromEnvironment(SettingKey.Color, environment)?.Value ?? SettingKey.Color.Default;

    /// <summary>Which file is meant.</summary>
    internal static ConfigurationFile Locate(string? configFlag, Func<string, string?> environment)
    {
        if (configFlag != null)
        {
            return new ConfigurationFile(Path.GetFullPath(configFlag), "flag --config", MustExist: true);
        }

        if (environment(FileVariable) is { Length: > 0 } named)
        {
            return new ConfigurationFile(Path.GetFullPath(named), $"environment {FileVariable}", MustExist: true);
        }

        var folder = OperatingSystem.IsWindows() ? NotEmpty(environment("APPDATA"))
            : NotEmpty(environment("XDG_CONFIG_HOME"))
                ?? (NotEmpty(environment("HOME")) is { } home ? Path.Combine(home, ".config") : null);
        return new ConfigurationFile(
            folder == null ? null : Path.Combine(folder, "distfs", "config.json"), "default", MustExist: false);
    }

    private static IConfigurationRoot? Read(ConfigurationFile file)
    {
        if (!file.Exists)
        {
            return file.MustExist
                ? throw Refuse(
                    $"{file.Path} ({file.Origin}) {(Directory.Exists(file.Path) ? "is a folder" : "does not exist")}.")
                : null;
        }

        try
        {
            using var stream = System.IO.File.OpenRead(file.Path!);
            return new ConfigurationBuilder().AddJsonStream(stream).Build();
        }
        catch (Exception e) when (e is FormatException or InvalidDataException or JsonException)
        {
            throw Refuse($"{file.Path} is no JSON object of settings: {(e.InnerException ?? e).Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refuse($"{file.Path} cannot be read: {e.Message}", e);
        }
    }

    private static void RefuseUnknownKeys(IConfigurationRoot content, string path)
    {
        foreach (var section in content.GetChildren())
        {
            var key = SettingKey.All.FirstOrDefault(key => key.Name == section.Key);
            if (key == null)
            {
                throw Refuse(
                    $"{path}: unknown key '{section.Key}'."
                    + NearestName.Question(section.Key, SettingKey.All.Select(known => known.Name))
                    + $" Known are {string.Join(", ", SettingKey.All.Select(known => known.Name))}.");
            }

            // An array's elements are children named 0, 1, …; a list's element may not be an object or array itself.
            var children = section.GetChildren().ToArray();
            var isList = children.All(child => int.TryParse(child.Key, out _) && !child.GetChildren().Any());
            if (children.Length > 0 && !(key.IsList && isList))
            {
                throw Refuse($"{path}: '{key.Name}' must be a {(key.IsList ? "list of texts" : "text")}.");
            }
        }
    }

    private static SettingValue Resolve(
        SettingKey key,
        IReadOnlyList<FlagValue> flags,
        Func<string, string?> environment,
        IConfigurationRoot? content,
        ConfigurationFile file)
    {
        if ((FromFlags(key, flags) ?? FromEnvironment(key, environment)) is { } value)
        {
            return value;
        }

        var section = content?.GetSection(key.Name);
        var text = section?.Value ?? (section?.GetChildren().ToArray() is { Length: > 0 } elements
            ? string.Join(',', elements.Select(element => element.Value))
            : null);
        return text == null
            ? new SettingValue(key, key.Default, "default")
            : new SettingValue(key, text, $"file {file.Path}");
    }

    private static SettingValue? FromFlags(SettingKey key, IReadOnlyList<FlagValue> flags) =>
        flags.LastOrDefault(flag => flag.Key == key) is { } flag
            ? new SettingValue(key, flag.Value, $"flag {flag.Flag}")
            : null;

    private static SettingValue? FromEnvironment(SettingKey key, Func<string, string?> environment)
    {
        if (NotEmpty(environment(key.Variable)) is { } value)
        {
            return new SettingValue(key, value, $"environment {key.Variable}");
        }

        return key == SettingKey.Color && NotEmpty(environment(NoColorVariable)) != null
            ? new SettingValue(key, "never", $"environment {NoColorVariable}")
            : null;
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static DistFsException Refuse(string message, Exception? inner = null) =>
        new(ErrorCatalog.Configuration, message, inner);
}
