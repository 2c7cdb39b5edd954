using System.Diagnostics;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;

namespace DistFS.Client.Tests.Leases;

/// <summary>
/// A session that begins can use leases at once, and one that ends is in nobody's way (docs/design/leases.md); with a
/// metaserver as it ships.
/// </summary>
public sealed class SessionEdgesTests
{
    /// <summary>The machine may be busy with other tests: the shortest of so many counts.</summary>
    private const int Rounds = 3;

    /// <summary>The leader hears of a session for the first time, and a keep-alive is applied for it.</summary>
    [Fact]
    public async Task The_first_lease_of_a_session_is_believed_when_it_is_granted()
    {
        await using var cluster = await LeasesOfACluster.StartAsync();
        var shortest = TimeSpan.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var stopwatch = Stopwatch.StartNew();
            await using var nodes = await cluster.ConnectAsync(new RecordingHolder());
            var lease = Assert.Single(
                await nodes.AcquireAsync([InodeId.Root], LeaseMode.Read, TimeSpan.Zero, default).Soon());
            Assert.Equal(LeaseMode.Read, lease.Mode);
            Assert.Equal(LeaseMode.Read, nodes.ModeOf(InodeId.Root));
            shortest = stopwatch.Elapsed < shortest ? stopwatch.Elapsed : shortest;
        }

        Assert.True(shortest < TimeSpan.FromSeconds(1), $"{shortest}");
    }

    /// <summary>An unmount: what it had cached can be changed by others at once.</summary>
    [Fact]
    public async Task A_client_that_ends_leaves_no_lease_behind()
    {
        await using var cluster = await LeasesOfACluster.StartAsync();
        await using var other = await cluster.ConnectAsync(new RecordingHolder());
        var directory = new NewNode { Kind = FileKind.Directory, Mode = 0x1ED };
        var shortest = TimeSpan.MaxValue;
        for (byte round = 0; round < Rounds; round++)
        {
            var holder = new RecordingHolder();
            await using (var nodes = await cluster.ConnectAsync(holder))
            {
                var lease = await nodes.AcquireAsync([InodeId.Root], LeaseMode.Write, TimeSpan.Zero, default).Soon();
                Assert.Equal(LeaseMode.Write, lease[0].Mode);
            }

            Assert.Equal(["all lost"], holder.Told);
            var stopwatch = Stopwatch.StartNew();
            byte[] name = [(byte)('a' + round)];
            var made = await other.MakeAsync(FileIdentity.Root, InodeId.Root, name, directory, default).Soon();
            Assert.Equal(FsStatus.Ok, made.Status);
            shortest = stopwatch.Elapsed < shortest ? stopwatch.Elapsed : shortest;
        }

        Assert.True(shortest < TimeSpan.FromSeconds(1), $"{shortest}");
    }
}
