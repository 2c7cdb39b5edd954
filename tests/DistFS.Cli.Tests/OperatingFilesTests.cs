using System.CommandLine;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace DistFS.Cli.Tests;

/// <summary>What operators are given: units and containers call verbs and options that there are.</summary>
public sealed partial class OperatingFilesTests
{
    private static readonly string Folder = Path.Combine(Cli.RepositoryRoot(), "docs", "operating");

    [Theory]
    [InlineData("systemd/distfs-metaserver.service", 1)]
    [InlineData("systemd/distfs-chunkserver.service", 1)]
    [InlineData("compose/compose.yaml", 7)]
    public void Commands_have_verbs_and_options_that_there_are(string file, int count)
    {
        var commands = Commands().Matches(File.ReadAllText(Path.Combine(Folder, file)));
        Assert.Equal(count, commands.Count);
        foreach (Match found in commands)
        {
            var verb = VerbCatalog.Default.Find(found.Groups["verb"].Value);
            Assert.NotNull(verb);
            var command = new Command("verb");
            verb.Configure(command);
            var known = command.Options.Select(static option => option.Name).ToList();
            var named = Options().Matches(found.Value).Select(static option => option.Value).ToList();
            Assert.NotEmpty(named);
            Assert.All(named, option => Assert.Contains(option, known));
        }
    }

    [Fact]
    public void Every_service_has_its_volume_and_its_network()
    {
        var lines = File.ReadAllLines(Path.Combine(Folder, "compose", "compose.yaml"));
        var services = lines.Where(static line => Service().IsMatch(line)).Select(static line => line.Trim(' ', ':'));
        Assert.Equal(["meta1", "meta2", "meta3", "chunk1", "chunk2", "chunk3", "chunk4"], services);
        Assert.All(services, service =>
        {
            Assert.Contains(lines, line => line.Trim() == $"volumes: [\"{service}:/data\"]");
            Assert.Contains(lines, line => line == $"  {service}: {{}}");
        });
        Assert.DoesNotContain(lines, static line => line.Contains('\t', StringComparison.Ordinal));
    }

    /// <summary>The tool is published without the runtime: an image without it would start nothing.</summary>
    [Fact]
    public void The_image_has_the_runtime_that_the_tool_needs()
    {
        var project = Path.Combine(Cli.RepositoryRoot(), "client", "DistFS.Cli", "DistFS.Cli.csproj");
        Assert.Contains("<SelfContained>false<", File.ReadAllText(project), StringComparison.Ordinal);
        var bases = File.ReadLines(Path.Combine(Folder, "compose", "Dockerfile"))
            .Where(static line => line.StartsWith("FROM ", StringComparison.Ordinal));
        Assert.EndsWith("/dotnet/aspnet:10.0", bases.Last(), StringComparison.Ordinal);
    }

    /// <summary>Where there is systemd, it is asked itself.</summary>
    [Theory]
    [InlineData("distfs-metaserver.service")]
    [InlineData("distfs-chunkserver.service")]
    [InlineData("mnt-dfs.mount")]
    public async Task Units_are_understood(string name)
    {
        if (!File.Exists("/usr/bin/systemd-analyze"))
        {
            return;
        }

        using var folder = new TempFolder();
        var unit = folder.Sub(name);
        var text = await File.ReadAllTextAsync(Path.Combine(Folder, "systemd", name));
        await File.WriteAllTextAsync(
            unit, text.Replace("/usr/local/lib/distfs/dfs", "/bin/true", StringComparison.Ordinal));
        using var verify = Process.Start(new ProcessStartInfo("systemd-analyze", ["verify", "--man=no", unit])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
        })!;
        var said = await verify.StandardError.ReadToEndAsync();
        await verify.WaitForExitAsync();
        Assert.DoesNotContain(name, said, StringComparison.Ordinal);
    }

    [GeneratedRegex(
        @"^(ExecStart=\S*dfs|\s+command:) (?<verb>[a-z]+) .*$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        1_000)]
    private static partial Regex Commands();

    [GeneratedRegex(@"--[a-z-]+", RegexOptions.None, 1_000)]
    private static partial Regex Options();

    [GeneratedRegex(@"^  (meta|chunk)\d:$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Service();
}
