using DistFS.Cli.Configuration;

namespace DistFS.Cli.Tests.Configuration;

public sealed class CliConfigurationTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_anything_defaults_hold()
    {
        var configuration = Load();
        Assert.Equal(TimeSpan.FromSeconds(10), configuration.Settings.Timeout);
        Assert.Equal(ColorMode.Auto, configuration.Settings.Color);
        Assert.Empty(configuration.Settings.Cluster);
        Assert.All(configuration.Values, value => Assert.Equal("default", value.Origin));
        var error = Assert.Throws<DistFsException>(configuration.Settings.RequireCluster);
        Assert.Contains("DISTFS_CLUSTER", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Flags_win_over_environment_over_file()
    {
        var file = _folder.File("c.json", """{ "timeout": "1s", "cluster": ["a:1", "b:2"], "color": "never" }""");
        Assert.Equal(("1s", $"file {file}"), Timeout(Load(configFlag: file)));
        _environment["DISTFS_TIMEOUT"] = "2s";
        Assert.Equal(("2s", "environment DISTFS_TIMEOUT"), Timeout(Load(configFlag: file)));
        var flag = new FlagValue(SettingKey.Timeout, "3s", "--timeout");
        var configuration = Load([flag], file);
        Assert.Equal(("3s", "flag --timeout"), Timeout(configuration));
        Assert.Equal(TimeSpan.FromSeconds(3), configuration.Settings.Timeout);
        Assert.Equal(["a:1", "b:2"], configuration.Settings.Cluster.Select(address => address.ToString()));
        Assert.Equal(ColorMode.Never, configuration.Settings.Color);
    }

    [Fact]
    public void A_list_of_one_place_is_not_mixed_with_that_of_another()
    {
        var file = _folder.File("c.json", """{ "cluster": ["a:1", "b:2", "c:3"] }""");
        _environment["DISTFS_CLUSTER"] = "x:1, [::1]:2";
        Assert.Equal(["x:1", "[::1]:2"], Load(configFlag: file).Settings.Cluster.Select(address => address.ToString()));
    }

    [Fact]
    public void Empty_variables_are_as_none()
    {
        _environment["DISTFS_TIMEOUT"] = "";
        _environment["DISTFS_CONFIG"] = "";
        _environment["NO_COLOR"] = "";
        Assert.All(Load().Values, value => Assert.Equal("default", value.Origin));
    }

    [Fact]
    public void NO_COLOR_is_environment_that_DISTFS_COLOR_overrides()
    {
        _environment["NO_COLOR"] = "1";
        Assert.Equal(ColorMode.Never, Load().Settings.Color);
        _environment["DISTFS_COLOR"] = "always";
        Assert.Equal(ColorMode.Always, Load().Settings.Color);
    }

    [Fact]
    public void The_file_is_looked_for_where_the_system_has_such_files()
    {
        _environment["HOME"] = _folder.Path;
        Assert.Equal(_folder.Sub(".config/distfs/config.json"), Load().File.Path);
        _environment["XDG_CONFIG_HOME"] = _folder.Sub("xdg");
        var xdg = _folder.File("xdg/distfs/config.json", """{ "timeout": "4s" }""");
        Assert.Equal(("4s", $"file {xdg}"), Timeout(Load()));
        var named = _environment["DISTFS_CONFIG"] = _folder.File("n.json", """{ "timeout": "5s" }""");
        Assert.Equal(("5s", $"file {named}"), Timeout(Load()));
        var flag = _folder.File("f.json", """{ /* comments are fine */ "timeout": "6s", }""");
        Assert.Equal(("6s", $"file {flag}"), Timeout(Load(configFlag: flag)));
    }

    [Fact]
    public void A_file_that_somebody_named_must_exist()
    {
        Refused("nowhere.json (flag --config) does not exist", () => Load(configFlag: _folder.Sub("nowhere.json")));
        _environment["DISTFS_CONFIG"] = _folder.Sub("nowhere.json");
        Refused("nowhere.json (environment DISTFS_CONFIG) does not exist", () => Load());
    }

    [Theory]
    [InlineData("""{ "timout": "1s" }""", "unknown key 'timout'. Did you mean 'timeout'? Known are cluster, ")]
    [InlineData("""{ "zzz": {} , "zzz2": 1 }""", "unknown key 'zzz")]
    [InlineData("""{ "timeout": { "connect": "1s" } }""", "'timeout' must be a text.")]
    [InlineData("""{ "timeout": ["1s"] }""", "'timeout' must be a text.")]
    [InlineData("""{ "cluster": { "a": "b:1" } }""", "'cluster' must be a list of texts.")]
    [InlineData("""{ "cluster": [["b:1"]] }""", "'cluster' must be a list of texts.")]
    [InlineData("""{ "timeout": 10 }""", "c.json) is no duration; write for example 500ms")]
    [InlineData("""{ "timeout": "0s" }""", "is out of range; 1ms to 1d.")]
    [InlineData("""{ "timeout": "25h" }""", "is out of range; 1ms to 1d.")]
    [InlineData("""{ "color": "blue" }""", "color 'blue' (file ")]
    [InlineData("""{ "cluster": ["a:1", "b"] }""", "cluster 'b' (file ")]
    [InlineData("""{ "timeout": "1s" """, "is no JSON object of settings")]
    [InlineData("[]", "is no JSON object of settings")]
    [InlineData("""{ "timeout": "1s", "timeout": "2s" }""", "is no JSON object of settings")]
    public void A_wrong_file_is_refused_with_its_name(string content, string message)
    {
        var file = _folder.File("c.json", content);
        Refused(message, () => Load(configFlag: file));
        Refused(file, () => Load(configFlag: file));
    }

    [Fact]
    public void A_wrong_value_names_its_origin()
    {
        _environment["DISTFS_TIMEOUT"] = "soon";
        Refused("timeout 'soon' (environment DISTFS_TIMEOUT) is no duration", () => Load());
        Refused("timeout 'x' (flag --timeout)", () => Load([new FlagValue(SettingKey.Timeout, "x", "--timeout")]));
    }

    [Fact]
    public void A_key_without_a_value_is_as_none()
    {
        var file = _folder.File("c.json", """{ "timeout": null, "cluster": [] }""");
        var configuration = Load(configFlag: file);
        Assert.Equal(("10s", "default"), Timeout(configuration));
        Assert.Empty(configuration.Settings.Cluster);
    }

    private static void Refused(string message, Action load)
    {
        var error = Assert.Throws<DistFsException>(load);
        Assert.Equal(ErrorCatalog.Configuration, error.Code);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static (string Value, string Origin) Timeout(CliConfiguration configuration)
    {
        var value = configuration.Values.Single(value => value.Key == SettingKey.Timeout);
        return (value.Value, value.Origin);
    }

    private CliConfiguration Load(IReadOnlyList<FlagValue>? flags = null, string? configFlag = null) =>
        CliConfiguration.Load(flags ?? [], configFlag, name => _environment.GetValueOrDefault(name));
}
