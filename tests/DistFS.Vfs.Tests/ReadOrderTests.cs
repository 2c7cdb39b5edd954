namespace DistFS.Vfs.Tests;

/// <summary>Which reads were asked for together with one that stands before them.</summary>
public sealed class ReadOrderTests
{
    private readonly ReadOrder _order = new();

    [Fact]
    public void One_that_comes_alone_is_behind_nothing() => Assert.False(_order.Begin(4_096).IsBehindAnother);

    [Theory]
    [InlineData(0, 4_096)]
    [InlineData(4_096, 0)]
    public void Whichever_comes_first_the_further_one_is_behind(long first, long second)
    {
        var one = _order.Begin(first);
        var two = _order.Begin(second);
        Assert.Equal((first > second, second > first), (one.IsBehindAnother, two.IsBehindAnother));
    }

    [Fact]
    public void The_same_twice_is_not_behind_itself()
    {
        var one = _order.Begin(4_096);
        Assert.False(_order.Begin(4_096).IsBehindAnother);
        Assert.False(one.IsBehindAnother);
    }

    [Fact]
    public void It_stays_behind_one_that_is_done()
    {
        var one = _order.Begin(0);
        var two = _order.Begin(4_096);
        one.End();
        one.End();
        Assert.True(two.IsBehindAnother);
        Assert.False(_order.Begin(2_048).IsBehindAnother);
    }

    [Fact]
    public void What_comes_behind_one_that_is_done_was_not_asked_for_together_with_it()
    {
        _order.Begin(0).End();
        Assert.False(_order.Begin(4_096).IsBehindAnother);
    }
}
