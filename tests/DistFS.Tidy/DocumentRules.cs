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

    /// <summary>An error that sends its reader to a verb that does not exist helps nobody.</summary>
    [Fact]
    public void EveryVerbThatAnErrorNamesExists()
    {
        var verbs = Repository.CSharp
            .Where(f => f.Path.StartsWith("client/DistFS.Cli/Verbs/", StringComparison.Ordinal))
            .Select(f => f.Name)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        Rule.HasNoViolation(
            from code in ErrorCatalog.All
            from Match verb in Verbs().Matches(code.Explanation)
            where !verbs.Contains(verb.Groups[1].Value + "Verb")
            select $"{code.Id}: dfs {verb.Groups[1].Value}");
    }

    /// <summary>Such as a heading in capitals that waits for its figures.</summary>
    [Fact]
    public void NoDocumentHasAPlaceholder() => Rule.HasNoViolation(
        from file in Repository.Files
        where file.Path.EndsWith(".md", StringComparison.Ordinal)
        from line in file.Lines
        where Placeholder().IsMatch(line)
        select $"{file}: {line}");

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

    [GeneratedRegex("'dfs ([a-z]+)", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Verbs();

    [GeneratedRegex("^[A-Z]{4,}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\bDFS\d{4}\b", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Codes();
}
