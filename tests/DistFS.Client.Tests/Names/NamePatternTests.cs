using DistFS.Client.Names;

namespace DistFS.Client.Tests.Names;

/// <summary>POSIX, XCU 2.14, and fnmatch(3).</summary>
public sealed class NamePatternTests
{
    [Theory]
    [InlineData("*", "a", true)]
    [InlineData("*", "", true)]
    [InlineData("*", ".a", false)]
    [InlineData(".*", ".a", true)]
    [InlineData("?a", ".a", false)]
    [InlineData("[.]a", ".a", false)]
    [InlineData("*.txt", "a.txt", true)]
    [InlineData("*.txt", "a.txt.gz", false)]
    [InlineData("a*b*c", "aXbXbXc", true)]
    [InlineData("a*b*c", "aXbXbX", false)]
    [InlineData("*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
    [InlineData("?", "é", true)]
    [InlineData("?", "🦀", true)]
    [InlineData("??", "🦀", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[a-c]x", "dx", false)]
    [InlineData("[!a-c]x", "dx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("[]a]", "]", true)]
    [InlineData("[!]a]", "]", false)]
    [InlineData("[a-]", "-", true)]
    [InlineData("[[:digit:]a]", "7", true)]
    [InlineData("[[:digit:]a]", "a", true)]
    [InlineData("[[:digit:]a]", "b", false)]
    [InlineData("[![:upper:]]", "A", false)]
    [InlineData("[a", "[a", true)]
    [InlineData("[a", "a", false)]
    [InlineData(@"\*", "*", true)]
    [InlineData(@"\*", "a", false)]
    [InlineData(@"a\", @"a\", true)]
    public void Patterns_stand_for_names(string pattern, string name, bool matches) =>
        Assert.Equal(matches, NamePattern.Parse(pattern).Matches(name));

    [Fact]
    public void A_dot_may_be_a_letter_like_any_other() => Assert.True(NamePattern.Parse("*").MatchesAny(".a"));

    [Theory]
    [InlineData("a*", true)]
    [InlineData("a?", true)]
    [InlineData("[", true)]
    [InlineData(@"a\b", false)]
    [InlineData("a]b", false)]
    public void Only_what_has_a_special_letter_is_a_pattern(string text, bool isPattern) =>
        Assert.Equal(isPattern, NamePattern.IsPattern(text));
}
