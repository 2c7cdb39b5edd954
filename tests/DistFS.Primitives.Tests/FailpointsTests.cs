namespace DistFS.Primitives.Tests;

/// <summary>Only <c>error</c> can be tested inside this process; crash and hang are for processes of their
/// own.</summary>
public sealed class FailpointsTests : IDisposable
{
    public void Dispose() => Failpoints.Set(null);

    [Fact]
    public void APlaceFailsAtTheNamedPassageOnly()
    {
        Failpoints.Set("a.place=error@3; other=error");
        Failpoints.Pass("a.place");
        Failpoints.Pass("a.place");
        Assert.Throws<FailpointException>(() => Failpoints.Pass("a.place"));
        Failpoints.Pass("a.place");
        Assert.Throws<FailpointException>(() => Failpoints.Pass("other"));
        Failpoints.Pass("not.named");
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a=boom")]
    [InlineData("a=error@x")]
    [InlineData("a=error@1@2")]
    public void WhatCannotBeReadIsRefused(string text) => Assert.Throws<FormatException>(() => Failpoints.Set(text));
}
