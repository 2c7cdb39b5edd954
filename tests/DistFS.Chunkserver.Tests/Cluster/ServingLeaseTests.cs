using DistFS.Chunkserver.Cluster;
using DistFS.Rpc.Cluster;

namespace DistFS.Chunkserver.Tests.Cluster;

public sealed class ServingLeaseTests
{
    [Fact]
    public void It_holds_until_its_end_and_not_a_millisecond_longer()
    {
        var clock = new ManualClock();
        var lease = new ServingLease(clock);
        Assert.False(lease.IsServing);
        var refusal = Assert.Throws<DistFsException>(lease.ThrowIfNotServing);
        Assert.Equal(ErrorCatalog.ChunkServerNotServing, refusal.Code);
        lease.Set(LeaderChannel.NowMs(clock) + 7_000);
        lease.ThrowIfNotServing();
        clock.Move(TimeSpan.FromMilliseconds(6_999));
        Assert.True(lease.IsServing);
        clock.Move(TimeSpan.FromMilliseconds(1));
        Assert.False(lease.IsServing);
        lease.Set(LeaderChannel.NowMs(clock) + 7_000);
        lease.Set(0);
        Assert.False(lease.IsServing);
    }
}
