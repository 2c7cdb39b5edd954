namespace DistFS.Cli.Tests;

public class VerbCatalogTests
{
    public static TheoryData<string> Verbs => [.. VerbCatalog.Default.All().Select(verb => verb.Name)];

    [Fact]
    public void Finds_every_verb_and_nothing_else() => Assert.Equal(
        Directory.EnumerateFiles(Path.Combine(Cli.RepositoryRoot(), "client", "DistFS.Cli", "Verbs"), "*Verb.cs")
            .Select(Path.GetFileNameWithoutExtension)
            .Order(StringComparer.Ordinal),
        VerbCatalog.Default.All().Select(verb => verb.GetType().Name).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Verbs))]
    public void A_verb_is_found_by_its_name_and_tells_what_it_does(string name)
    {
        var verb = VerbCatalog.Default.Find(name)!;
        Assert.Equal(name, verb.Name);
        Assert.Matches("^[A-Z].*[^.]$", verb.Summary);
        Assert.NotEmpty(verb.Examples);
        Assert.All(verb.Examples, example =>
        {
            Assert.Contains($"dfs {name}", example.Command, StringComparison.Ordinal);
            Assert.Matches("^[a-z].*[^.]$", example.Effect);
        });
    }

    [Theory]
    [InlineData("fail", "FailVerb")]
    [InlineData("two-words", "TwoWordsVerb")]
    [InlineData("two-Words", null)]
    [InlineData("twowords", null)]
    [InlineData("Fail", null)]
    [InlineData("fail-", null)]
    [InlineData("-fail", null)]
    [InlineData("two--words", null)]
    [InlineData("sample", null)]
    [InlineData("", null)]
    [InlineData("../fail", null)]
    [InlineData("fail, mscorlib", null)]
    public void Names_are_kebab_case_of_classes(string name, string? type) =>
        Assert.Equal(type, Cli.WithSamples.Catalog!.Find(name)?.GetType().Name);
}
