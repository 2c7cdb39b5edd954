using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace DistFS.Tidy;

/// <summary>
/// The arrows between the projects (docs/ARCHITECTURE.md). A project that is not in the table, or a reference that is
/// not in its row, fails: a new arrow is a decision, made here.
/// </summary>
public sealed partial class ProjectRules
{
    /// <summary>What each product project may refer to; a test project may refer to anything.</summary>
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["DistFS.Primitives"] = [],
        ["DistFS.Protocol"] = ["DistFS.Primitives"],
        ["DistFS.Native"] = ["DistFS.Primitives"],
        ["DistFS.Blocks"] = ["DistFS.Primitives", "DistFS.Native"],
        ["DistFS.Rpc"] = ["DistFS.Primitives", "DistFS.Protocol"],
        ["DistFS.Rpc.Grpc"] = ["DistFS.Primitives", "DistFS.Protocol", "DistFS.Rpc"],
        ["DistFS.Raft"] = ["DistFS.Primitives"],
        ["DistFS.Metadata"] = ["DistFS.Primitives", "DistFS.Protocol"],
        ["DistFS.Metaserver"] =
        [
            "DistFS.Primitives", "DistFS.Protocol", "DistFS.Native", "DistFS.Rpc", "DistFS.Rpc.Grpc", "DistFS.Raft",
            "DistFS.Metadata",
        ],
        ["DistFS.Chunks"] = ["DistFS.Primitives", "DistFS.Native", "DistFS.Blocks"],
        ["DistFS.Chunkserver"] =
        [
            "DistFS.Primitives", "DistFS.Protocol", "DistFS.Native", "DistFS.Blocks", "DistFS.Rpc", "DistFS.Rpc.Grpc",
            "DistFS.Chunks",
        ],
        ["DistFS.Client"] =
            ["DistFS.Primitives", "DistFS.Protocol", "DistFS.Native", "DistFS.Blocks", "DistFS.Rpc"],
        ["DistFS.Vfs"] = ["DistFS.Primitives", "DistFS.Client"],
        ["DistFS.Fuse"] = [],
        ["DistFS.Dokan"] = [],
        ["DistFS.Mount"] = ["DistFS.Primitives", "DistFS.Vfs", "DistFS.Fuse", "DistFS.Dokan"],
        ["DistFS.MapReduce"] = ["DistFS.Primitives", "DistFS.Protocol", "DistFS.Rpc", "DistFS.Client"],
    };

    /// <summary>The tool is every process, so it alone may refer to everything that runs.</summary>
    private const string Tool = "DistFS.Cli";

    /// <summary>No clock, thread, task, random source or file, and no packages but those for their data.</summary>
    private static readonly string[] PureCores = ["DistFS.Raft", "DistFS.Metadata"];

    private static readonly string[] PureCorePackages = ["Google.Protobuf"];

    [Fact]
    public void EveryReferenceIsAnArrowOfTheDesign() =>
        Rule.HasNoViolation(Repository.Projects.Where(p => !IsAboveTheHouse(p)).SelectMany(BadArrows));

    [Fact]
    public void PureCoresAreMarkedAndReferToNoPackages() =>
        Rule.HasNoViolation(Repository.Projects.Where(p => PureCores.Contains(p.Name)).SelectMany(ImpureParts));

    [Fact]
    public void ThePureCoresBanIsInForce()
    {
        var targets = Repository.Files.Single(f => f.Path == "Directory.Build.targets").Text;
        Assert.Contains("BannedSymbols.txt", targets, StringComparison.Ordinal);
        Assert.Contains("Microsoft.CodeAnalysis.BannedApiAnalyzers", targets, StringComparison.Ordinal);
        var banned = Repository.Files.Single(f => f.Path == "BannedSymbols.txt").Text;
        Assert.All(
            [
                "System.DateTime.UtcNow",
                "System.Threading.Tasks.Task;",
                "System.Random;",
                "System.IO.File;",
                "Stopwatch",
            ],
            symbol => Assert.Contains(symbol, banned, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryProjectIsInTheSolutionOnce()
    {
        var solution = Repository.Files.Single(f => f.Path == "DistFS.sln").Text;
        Assert.All(
            Repository.Projects,
            p => Assert.Equal(2, solution.Split($"\"{p.Path.Replace('/', '\\')}\"").Length));
    }

    [Fact]
    public void EveryProductProjectHasATestProject()
    {
        var tests = Repository.Projects.Where(p => p.IsTest).Select(p => p.Name).ToHashSet();

        // Protocol holds generated messages and constants; what it promises is tested where the bytes are: in Rpc.
        Rule.HasNoViolation(Repository.Projects
            .Where(p => !IsAboveTheHouse(p) && p.Name != "DistFS.Protocol" && !tests.Contains(p.Name + ".Tests")));
    }

    [Fact]
    public void PackagesAreCentralPinnedAndLocked()
    {
        Rule.HasNoViolation(Repository.Projects.Where(p => VersionOfPackage().IsMatch(p.Text)));
        var central = XDocument.Parse(Repository.Files.Single(f => f.Path == "Directory.Packages.props").Text);
        Assert.All(
            central.Descendants("PackageVersion").Select(v => v.Attribute("Version")!.Value),
            version => Assert.Matches(@"^\d+(\.\d+)+$", version));
        var files = Repository.Files.Select(f => f.Path).ToHashSet();
        Assert.All(
            Repository.Projects,
            p => Assert.Contains(Path.GetDirectoryName(p.Path) + "/packages.lock.json", files));
    }

    [Fact]
    public void TheseRulesSeeAViolation()
    {
        Assert.NotEmpty(BadArrows(Project(
            "client/DistFS.Client",
            """<ProjectReference Include="../../metaserver/DistFS.Raft/DistFS.Raft.csproj" />""")));
        Assert.NotEmpty(BadArrows(Project(
            "mount/DistFS.Fuse",
            """<ProjectReference Include="..\..\protocol\DistFS.Primitives\DistFS.Primitives.csproj" />""")));
        Assert.NotEmpty(BadArrows(Project("attic/DistFS.Unknown", "")));
        Assert.NotEmpty(ImpureParts(Project("metaserver/DistFS.Raft", "")));
        Assert.NotEmpty(ImpureParts(Project(
            "metaserver/DistFS.Raft",
            """<PureCore>true</PureCore><PackageReference Include="Polly.Core" />""")));
        Assert.Empty(ImpureParts(Project("metaserver/DistFS.Raft", "<PureCore>true</PureCore>")));
    }

    private static SourceFile Project(string folder, string content) =>
        new($"{folder}/{Path.GetFileName(folder)}.csproj", $"<Project>{content}</Project>");

    private static bool IsAboveTheHouse(SourceFile project) =>
        project.IsTest || project.Name == Tool || project.Path.StartsWith("benchmarks/", StringComparison.Ordinal)
        || project.Path.StartsWith("docs/samples/", StringComparison.Ordinal);

    private static IEnumerable<string> BadArrows(SourceFile project)
    {
        if (!Arrows.TryGetValue(project.Name, out var allowed))
        {
            return [$"{project} is not in the table of arrows"];
        }

        return References(project, "ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Replace('\\', '/')))
            .Where(r => !allowed.Contains(r))
            .Select(r => $"{project.Name} -> {r}");
    }

    private static IEnumerable<string> ImpureParts(SourceFile project)
    {
        if (!project.Text.Contains("<PureCore>true</PureCore>", StringComparison.Ordinal))
        {
            yield return $"{project} lacks <PureCore>true</PureCore>";
        }

        foreach (var package in References(project, "PackageReference")
            .Concat(References(project, "FrameworkReference")))
        {
            if (!PureCorePackages.Contains(package))
            {
                yield return $"{project} refers to {package}";
            }
        }
    }

    private static IEnumerable<string> References(SourceFile project, string kind) =>
        XDocument.Parse(project.Text).Descendants(kind).Select(r => r.Attribute("Include")!.Value);

    [GeneratedRegex("<PackageReference[^>]*\\sVersion(Override)?=", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex VersionOfPackage();
}
