using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Tests.Cluster;

/// <summary>The way to the metaserver that leads, over loopback.</summary>
public sealed class LeaderChannelTests
{
    private static readonly LeaderCall How = new(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(5));

    [Fact]
    public async Task It_goes_where_an_answer_points_also_to_one_that_was_not_given_and_stays_there()
    {
        await using var leader = new Metaserver();
        await using var follower = new Metaserver { Leader = leader.Address };
        await using var channel = new LeaderChannel([follower.Address], TimeProvider.System);
        Assert.Equal(0, (await AskAsync(channel)).Reply.Answer.Status);
        Assert.Equal(leader.Address, channel.Leader);
        await AskAsync(channel);
        Assert.Equal((1, 2), (follower.Calls, leader.Calls));
    }

    [Fact]
    public async Task It_asks_around_when_one_is_gone_and_nobody_knows_the_leader_yet()
    {
        await using var gone = new Metaserver();
        await using var starting = new Metaserver { Code = ErrorCatalog.ClusterStarting };
        await using var leader = new Metaserver { Code = ErrorCatalog.NotLeader };
        await using var channel = new LeaderChannel(
            [gone.Address, starting.Address, leader.Address], TimeProvider.System);
        await gone.DisposeAsync();
        var asked = AskAsync(channel);
        await Eventually.True(() => leader.Calls > 1);
        leader.Code = null;
        await asked.Soon();
        Assert.Equal(leader.Address, channel.Leader);
    }

    /// <summary>What is answered is the last attempt, and no earlier one: the lease is counted from it.</summary>
    [Fact]
    public async Task It_tells_when_the_attempt_that_was_answered_was_sent()
    {
        var clock = new ManualClock();
        await using var leader = new Metaserver { Code = ErrorCatalog.NotLeader };
        leader.OnCall = () =>
        {
            clock.Move(TimeSpan.FromMilliseconds(100));
            leader.Code = leader.Calls == 2 ? null : ErrorCatalog.NotLeader;
        };
        await using var other = new Metaserver { Leader = leader.Address };
        await using var channel = new LeaderChannel([leader.Address, other.Address], clock);
        var before = LeaderChannel.NowMs(clock);
        var reply = await AskAsync(channel).Soon();

        // One attempt took 100 ms of this clock before the second was sent.
        Assert.Equal(before + 100, reply.SentMs);
    }

    [Fact]
    public async Task Two_that_take_each_other_for_the_leader_are_not_asked_without_end()
    {
        await using var one = new Metaserver();
        await using var two = new Metaserver { Leader = one.Address };
        one.Leader = two.Address;
        await using var channel = new LeaderChannel([one.Address, two.Address], TimeProvider.System);
        var error = await Assert.ThrowsAsync<RpcException>(() => AskAsync(
            channel, new LeaderCall(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5))));
        Assert.Equal(ErrorCatalog.NotLeader, error.Code);

        // Pauses of 50 ms to a second, each cut by half at most: 10 rounds at the most in three seconds. In each, both
        // are asked, and two hints are followed behind each of them.
        Assert.InRange(one.Calls + two.Calls, 4, 60);
    }

    [Fact]
    public async Task One_that_is_paused_does_not_eat_up_the_time_of_the_others()
    {
        await using var paused = new Metaserver { IsPaused = true };
        await using var leader = new Metaserver();
        await using var channel = new LeaderChannel([paused.Address, leader.Address], TimeProvider.System);
        await AskAsync(channel, How with { AttemptMax = TimeSpan.FromMilliseconds(100) }).Soon();
        Assert.Equal(leader.Address, channel.Leader);
        paused.Release();
    }

    [Fact]
    public async Task A_refusal_is_an_answer_and_not_asked_about_elsewhere()
    {
        await using var full = new Metaserver { Throws = ErrorCatalog.Overloaded };
        await using var other = new Metaserver();
        await using var channel = new LeaderChannel([full.Address, other.Address], TimeProvider.System);
        var error = await Assert.ThrowsAsync<RpcException>(() => AskAsync(channel));
        Assert.Equal((ErrorCatalog.Overloaded, 0), (error.Code, other.Calls));
        full.Throws = null;
        full.Code = ErrorCatalog.ChunkServerRunOver;
        Assert.Equal(ErrorCatalog.ChunkServerRunOver.Number, (await AskAsync(channel)).Reply.Answer.Code);
        Assert.Equal(0, other.Calls);
    }

    private static Task<LeaderReply<HeartbeatReply>> AskAsync(LeaderChannel channel, LeaderCall? how = null) =>
        channel.AskAsync(
            ChunkServersMethods.Heartbeat,
            new HeartbeatRequest(),
            static reply => reply.Answer,
            how ?? How,
            CancellationToken.None);

    /// <summary>Answers heartbeats, as a leader or not.</summary>
    private sealed class Metaserver : IAsyncDisposable
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly FrameServer _server;
        private int _calls;

        public Metaserver()
        {
            Address = RpcAddress.Parse(TestMember.FreeAddress());
            var dispatcher = new RpcDispatcher();
            dispatcher.Handle(ChunkServersMethods.Heartbeat, AnswerAsync);
            _server = FrameServer.Start(dispatcher, new FrameServerOptions { Listen = [Address] });
        }

        public RpcAddress Address { get; }

        public RpcAddress? Leader { get; set; }

        public ErrorCode? Code { get; set; }

        public ErrorCode? Throws { get; set; }

        public bool IsPaused { get; init; }

        public Action OnCall { get; set; } = static () => { };

        public int Calls => Volatile.Read(ref _calls);

        public void Release() => _released.TrySetResult();

        public ValueTask DisposeAsync() => _server.DisposeAsync();

        private async ValueTask<HeartbeatReply> AnswerAsync(HeartbeatRequest request, ServerCall call)
        {
            Interlocked.Increment(ref _calls);
            OnCall();
            if (IsPaused)
            {
                await _released.Task;
            }

            if (Throws is { } thrown)
            {
                throw new RpcException(thrown, "No.");
            }

            var code = Leader == null ? Code : ErrorCatalog.NotLeader;
            return new HeartbeatReply
            {
                Answer = new ServerAnswer
                {
                    Status = (int)(code?.Status ?? FsStatus.Ok),
                    Code = code?.Number ?? 0,
                    Leader = Leader == null ? null : new Leader { Member = 1, Address = Leader.ToString() },
                },
            };
        }
    }
}
