using System.Diagnostics;
using DistFS.Client.Leases;

namespace DistFS.Client.Tests.Leases;

/// <summary>A session that begins can use leases at once (docs/design/leases.md).</summary>
public sealed class FirstLeaseTests
{
    /// <summary>The leader hears of a session for the first time, and a keep-alive is applied for it.</summary>
    [Fact]
    public async Task The_first_lease_of_a_session_is_believed_when_it_is_granted()
    {
        await using var cluster = await LeasesOfACluster.StartAsync();

        // The leader's own grace is over, and the code is warm.
        await using var first = await cluster.ConnectAsync(new RecordingHolder());
        await first.AcquireAsync([InodeId.Root], LeaseMode.Read, TimeSpan.Zero, default).Soon();

        var stopwatch = Stopwatch.StartNew();
        await using var nodes = await cluster.ConnectAsync(new RecordingHolder());
        var lease = Assert.Single(
            await nodes.AcquireAsync([InodeId.Root], LeaseMode.Read, TimeSpan.Zero, default).Soon());
        Assert.Equal(LeaseMode.Read, lease.Mode);
        Assert.Equal(LeaseMode.Read, nodes.ModeOf(InodeId.Root));
        Assert.True(stopwatch.Elapsed < TimeSpan.FromSeconds(1), $"{stopwatch.Elapsed}");
        Assert.InRange(nodes.Believed, TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8.75));
    }
}
