using System.Runtime.CompilerServices;
using Xunit.Sdk;

namespace DistFS.Raft.Tests.Scenarios;

/// <summary>Every file of testdata prints what stands in it. DISTFS_REWRITE=1 writes down what it prints now.</summary>
public sealed class ScenarioTests
{
    private static readonly string Folder = Path.Combine(Path.GetDirectoryName(Here())!, "..", "testdata");

    public static TheoryData<string> Files() =>
        [.. Directory.GetFiles(Folder, "*.txt").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void The_scenario_happens_as_written(string file)
    {
        var path = Path.Combine(Folder, file);
        var expected = File.ReadAllText(path);
        var actual = Scenario.Run(expected);
        if (Environment.GetEnvironmentVariable("DISTFS_REWRITE") == "1")
        {
            File.WriteAllText(path, actual);
        }
        else if (actual != expected)
        {
            throw new XunitException($"{file} prints something else; DISTFS_REWRITE=1 writes it down.\n\n{actual}");
        }
    }

    [Fact]
    public void A_scenario_that_prints_something_else_is_seen()
    {
        Assert.Equal("nodes 1\n----\nok\n", Scenario.Run("nodes 1\n----\nanything\nat all\n"));
        Assert.Throws<FormatException>(() => Scenario.Run("nodes 1\nnonsense\n----\n"));
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
