namespace DistFS.Simulation.Tests.Engine;

public sealed class EventQueueTests
{
    [Fact]
    public void EqualTimesKeepTheOrderInWhichTheyWereScheduled()
    {
        var queue = new EventQueue();
        var seen = new List<int>();
        for (var i = 0; i < 100; i++)
        {
            var number = i;
            queue.After(number % 2 == 0 ? 10 : 20, () => seen.Add(number));
        }

        while (queue.RunOne(100))
        {
            Assert.InRange(queue.Now, 10, 20);
        }

        Assert.Equal(Enumerable.Range(0, 100).OrderBy(i => i % 2), seen);
        Assert.Equal(100, queue.Now);
    }

    [Fact]
    public void NothingHappensAfterTheEnd()
    {
        var queue = new EventQueue();
        queue.After(11, () => Assert.Fail("too late"));
        Assert.False(queue.RunOne(10));
        Assert.Equal(10, queue.Now);
        Assert.Equal(1, queue.Count);
    }
}
