namespace DistFS.Primitives.Tests;

public sealed class CheckTests
{
    [Fact]
    public void A_violated_check_names_the_expression_and_its_place()
    {
        var two = 2;
        var error = Assert.Throws<CheckFailedException>(() => Check.That(two + two == 5));
        Assert.Contains("two + two == 5", error.Message, StringComparison.Ordinal);
        Assert.Contains("CheckTests.cs:", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_that_holds_does_nothing() => Check.That(true);

    [Fact]
    public void Fail_says_what_it_was_given() =>
        Assert.Contains("cannot be", Assert.Throws<CheckFailedException>(() => Check.Fail("cannot be")).Message,
            StringComparison.Ordinal);
}
