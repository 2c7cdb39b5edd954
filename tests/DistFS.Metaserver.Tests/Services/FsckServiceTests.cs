using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Metaserver.Tests.Hosting;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;

namespace DistFS.Metaserver.Tests.Services;

/// <summary>The leader checks its metadata while it serves.</summary>
public sealed class FsckServiceTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly RpcAddress _address = RpcAddress.Parse(TestMember.FreeAddress());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_check_sees_what_was_answered_before_it_began()
    {
        await using var host = await StartAsync();
        await using var client = new MetaClient(5, _address);
        await client.OpenSessionAsync();
        await using var channel = new FrameChannel(_address);
        var before = await CheckAsync(channel);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(FsStatus.Ok, await client.MakeAsync($"{i}"));
        }

        var after = await CheckAsync(channel);
        Assert.Equal((0UL, 0UL), (before.FindingsTotal, after.FindingsTotal));

        // An inode, and its name in each of two passes.
        Assert.Equal(before.Rows + 300, after.Rows);
        Assert.Equal("done", after.Phase);
        Assert.NotEqual(before.Run, after.Run);

        // Who asks for another than the last is told so.
        Assert.Equal((int)FsStatus.Stale, (await PollAsync(channel, before.Run)).Status);
        Assert.Equal(after.Rows, (await PollAsync(channel, after.Run)).Rows);
    }

    [Fact]
    public async Task One_that_stops_does_not_wait_for_whoever_began_it()
    {
        var host = await StartAsync();
        await using var client = new MetaClient(5, _address);
        await client.OpenSessionAsync();
        await using var channel = new FrameChannel(_address);
        await StartCheckAsync(channel);
        await host.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>For how long nobody asked for the one before is nothing to this one.</summary>
    [Fact]
    public async Task A_check_after_a_pause_is_not_given_up()
    {
        var clock = new JumpingClock();
        await using var host = await StartAsync(clock);
        await using var client = new MetaClient(5, _address);
        await client.OpenSessionAsync();
        await using var channel = new FrameChannel(_address);
        for (var i = 0; i < 5; i++)
        {
            await CheckAsync(channel);
            clock.Jump(TimeSpan.FromMinutes(1));
        }
    }

    private static Task<FsckReply> PollAsync(FrameChannel channel, ulong run) => channel.CallAsync(
        FsckMethods.Poll, new FsckPollRequest { Run = run }, TimeSpan.FromSeconds(10)).AsTask();

    private static Task<FsckReply> StartCheckAsync(FrameChannel channel) => channel.CallAsync(
        FsckMethods.Start, new FsckStartRequest(), TimeSpan.FromSeconds(10)).AsTask();

    private static async Task<FsckReply> CheckAsync(FrameChannel channel)
    {
        var started = await StartCheckAsync(channel);
        Assert.Equal(0, started.Status);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var i = 0; i < 500; i++)
        {
            var reply = await PollAsync(channel, started.Run);
            Assert.Equal(0, reply.Status);
            if (reply.Done)
            {
                return reply;
            }

            await timer.WaitForNextTickAsync();
        }

        throw new TimeoutException("The check does not end.");
    }

    private Task<MetaserverHost> StartAsync(TimeProvider? clock = null) => MetaserverHost.StartAsync(
        new MetaserverOptions
        {
            DataFolder = _folder.Sub("m"),
            Address = _address,
            Timing = TestCluster.Timing,
            Clock = clock ?? TimeProvider.System,
        });

    private sealed class JumpingClock : TimeProvider
    {
        private long _ahead;

        public void Jump(TimeSpan time) =>
            Interlocked.Add(ref _ahead, (long)(time.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _ahead);
    }
}
