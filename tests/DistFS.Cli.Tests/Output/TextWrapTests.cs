using DistFS.Cli.Output;

namespace DistFS.Cli.Tests.Output;

public class TextWrapTests
{
    [Theory]
    [InlineData("one two three", 7, new[] { "one two", "three" })]
    [InlineData("one two three", 6, new[] { "one", "two", "three" })]
    [InlineData("a-word-too-long b", 5, new[] { "a-word-too-long", "b" })]
    [InlineData("", 5, new[] { "" })]
    [InlineData("  one   two ", 80, new[] { "one two" })]
    public void Breaks_between_words(string text, int width, string[] lines) =>
        Assert.Equal(lines, TextWrap.Lines(text, width));
}
