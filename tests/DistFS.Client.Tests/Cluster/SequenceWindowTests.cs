using DistFS.Client.Cluster;

namespace DistFS.Client.Tests.Cluster;

/// <summary>Numbers of a session's requests.</summary>
public sealed class SequenceWindowTests
{
    [Fact]
    public void What_is_acknowledged_has_all_been_answered()
    {
        var window = new SequenceWindow(4);
        Assert.Equal([1UL, 2UL, 3UL, 4UL], Enumerable.Range(0, 4).Select(_ => window.Take()));
        Assert.True(window.IsFull);
        window.Answer(2);
        window.Answer(3);
        Assert.Equal((0UL, true), (window.Acknowledged, window.IsFull));
        window.Answer(1);
        Assert.Equal((3UL, false), (window.Acknowledged, window.IsFull));
        Assert.Equal(5UL, window.Take());
        window.Answer(5);
        Assert.Equal(3UL, window.Acknowledged);
        window.Answer(4);
        Assert.Equal(5UL, window.Acknowledged);
    }
}
