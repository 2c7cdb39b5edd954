namespace DistFS.Vfs.Tests;

/// <summary>How far those reads reach that were asked for together and stand before one.</summary>
public sealed class ReadOrderTests
{
    private readonly ReadOrder _order = new();

    [Fact]
    public void Before_one_that_comes_alone_there_is_none() => Assert.Equal(0, _order.Begin(4_096, 4_096).OthersEnd);

    [Theory]
    [InlineData(0, 4_096)]
    [InlineData(4_096, 0)]
    public void Whichever_comes_first_the_further_one_is_behind(long first, long second)
    {
        var one = _order.Begin(first, 4_096);
        var two = _order.Begin(second, 4_096);
        Assert.Equal((first > second ? 4_096 : 0, second > first ? 4_096 : 0), (one.OthersEnd, two.OthersEnd));
    }

    [Fact]
    public void What_overlaps_does_not_stand_before_it()
    {
        var one = _order.Begin(4_096, 4_096);
        Assert.Equal(0, _order.Begin(4_096, 4_096).OthersEnd);
        Assert.Equal(0, _order.Begin(0, 8_192).OthersEnd);
        Assert.Equal(0, one.OthersEnd);
    }

    [Fact]
    public void The_furthest_counts_also_when_it_is_answered()
    {
        var far = _order.Begin(8_192, 4_096);
        var one = _order.Begin(4_096, 4_096);
        one.End();
        one.End();
        _order.Begin(0, 4_096).End();
        Assert.Equal(8_192, far.OthersEnd);
        Assert.Equal(0, _order.Begin(4_096, 4_096).OthersEnd);
    }

    [Fact]
    public void Who_waits_hears_of_one_that_comes_before_it_and_of_its_answer()
    {
        var far = _order.Begin(8_192, 4_096);
        var (isBehind, changed) = far.Look();
        Assert.False(isBehind);
        _order.Begin(12_288, 4_096).End();
        Assert.False(changed.IsCompleted);
        var one = _order.Begin(4_096, 4_096);
        Assert.True(changed.IsCompleted);

        (isBehind, changed) = far.Look();
        Assert.True(isBehind);
        one.End();
        Assert.True(changed.IsCompleted);
        Assert.False(far.Look().IsBehind);
    }
}
