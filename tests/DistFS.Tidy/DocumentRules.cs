using System.Text.RegularExpressions;
using DistFS.Primitives;

namespace DistFS.Tidy;

/// <summary>What the documents point at exists.</summary>
public sealed partial class DocumentRules
{
    [Fact]
    public void EveryRelativeLinkLeadsSomewhere()
    {
        var broken =
            from file in Repository.Files
            where file.Path.EndsWith(".md", StringComparison.Ordinal)
            from Match link in Links().Matches(file.Text)
            let target = link.Groups[1].Value.Split('#')[0]
            where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal)
            let path = Path.Combine(Repository.Root, Path.GetDirectoryName(file.Path)!, target)
            where !File.Exists(path) && !Directory.Exists(path)
            select $"{file}: {target}";
        Rule.HasNoViolation(broken);
    }

    [Fact]
    public void EveryErrorCodeThatIsNamedExists()
    {
        var unknown =
            from file in Repository.Files
            where !file.IsTest && (file.Path.EndsWith(".md", StringComparison.Ordinal)
                || file.Path.EndsWith(".cs", StringComparison.Ordinal))
            from Match code in Codes().Matches(file.Text)
            where !ErrorCatalog.TryFind(code.Value, out _)
            select $"{file}: {code.Value}";
        Rule.HasNoViolation(unknown);
    }

    [Fact]
    public void DecisionsAreNumberedWithoutGaps()
    {
        var numbers = Repository.Files
            .Where(f => f.Path.StartsWith("docs/adr/", StringComparison.Ordinal))
            .Select(f => int.Parse(f.Name.AsSpan(0, 4), System.Globalization.CultureInfo.InvariantCulture))
            .Order();
        Assert.Equal(Enumerable.Range(1, numbers.Count()), numbers);
    }

    [Fact]
    public void TheReadmeLeadsToTheArchitecture() => Assert.Contains(
        "(docs/ARCHITECTURE.md)", Repository.Files.Single(f => f.Path == "README.md").Text, StringComparison.Ordinal);

    [GeneratedRegex(@"\]\(([^)\s]+)\)", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Links();

    [GeneratedRegex(@"\bDFS\d{4}\b", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Codes();
}
