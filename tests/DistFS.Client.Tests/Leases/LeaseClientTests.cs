using DistFS.Client.Cluster;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Protocol;

namespace DistFS.Client.Tests.Leases;

/// <summary>
/// The client's leases, and a leader that says at every moment what the test wants (docs/design/leases.md).
/// </summary>
public sealed class LeaseClientTests : IAsyncLifetime, IAsyncDisposable
{
    private static readonly InodeId One = new(11);
    private static readonly InodeId Two = new(12);

    private readonly RecordingHolder _holder = new();
    private readonly ScriptedLeader _leader = new();
    private readonly List<DistFsException> _failures = [];
    private MetadataChannel _channel = null!;
    private ClientSession _session = null!;
    private LeaseClient _leases = null!;

    public async Task InitializeAsync() =>
        (_channel, _session, _leases) = await _leader.BeginAsync(
            _holder, _leader.Options with { Failed = _failures.Add });

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _leases.DisposeAsync();
        await _session.DisposeAsync();
        await _channel.DisposeAsync();
        await _leader.DisposeAsync();
    }

    [Fact]
    public async Task What_a_change_hears_first_of_the_end_is_told_to_the_holder()
    {
        await HaveAsync(One);
        _leader.OnMutate = static (_, _) => Task.FromResult(ScriptedLeader.Refused(ErrorCatalog.SessionEnded));
        var request = new MutateRequest();
        request.Operations.Add(new Operation { Unlink = new UnlinkRequest { Parent = 1 } });
        var error = await Assert.ThrowsAsync<DistFsException>(() => _session.MutateAsync(request, default)).Soon();
        Assert.Equal(ErrorCatalog.SessionEnded, error.Code);
        Assert.Equal(LeaseMode.None, _leases.ModeOf(One));
        await Eventually.True(() => _holder.Times("all lost") == 1);

        // Others hear of it too: it is told once.
        _leader.Tell(ScriptedLeader.Over());
        await _leases.DisposeAsync();
        Assert.Equal(1, _holder.Times("all lost"));
    }

    [Fact]
    public async Task The_next_session_begins_when_the_holder_knows_of_the_end_of_the_last()
    {
        await using var leader = new ScriptedLeader();
        var holder = new RecordingHolder();
        await using var nodes = await DistFsNodes.ConnectAsync(leader.Options, holder).Soon();
        var sessionsThen = 0UL;
        holder.OnAllLost = () => sessionsThen = leader.Sessions;
        leader.OnMutate = (call, _) => Task.FromResult(
            call.Client == 1 ? ScriptedLeader.Refused(ErrorCatalog.SessionEnded) : ScriptedLeader.Done());
        var reply = await nodes.SetLengthAsync(FileIdentity.Root, One, 0, default).Soon();
        Assert.Equal(FsStatus.Ok, reply.Status);
        Assert.Equal((1, 1UL, 2UL), (holder.Times("all lost"), sessionsThen, leader.Sessions));
    }

    [Fact]
    public async Task Who_ends_gives_up_his_leases_and_then_his_session()
    {
        await using var leader = new ScriptedLeader();
        await using (var nodes = await DistFsNodes.ConnectAsync(leader.Options, new RecordingHolder()).Soon())
        {
            await nodes.AcquireAsync([One], LeaseMode.Read, TimeSpan.Zero, default).Soon();
        }

        Assert.Equal([$"5: {One.Value} grant 1 keep 0", "end 1"], leader.Heard);
    }

    /// <summary>The leader answers with the lease that there is; the release of that one was on its way.</summary>
    [Fact]
    public async Task What_is_being_asked_for_is_not_given_up()
    {
        await HaveAsync(One);
        await HaveAsync(Two);
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        _leader.OnAcquire = async request =>
        {
            asked.SetResult();
            await answer.Task;
            var reply = _leader.Granted(request);
            reply.Granted[0].Grant = 1;
            return reply;
        };
        var again = AcquireAsync(One);
        await asked.Task.Soon();
        await _leases.ReleaseAsync([One, Two]).Soon();
        answer.SetResult();
        Assert.Equal(LeaseMode.Read, (await again.Soon()).Mode);
        Assert.Equal([$"5: {Two.Value} grant 2 keep 0"], _leader.Heard);
        Assert.Equal((LeaseMode.Read, LeaseMode.None), (_leases.ModeOf(One), _leases.ModeOf(Two)));
    }

    [Fact]
    public async Task What_is_being_given_up_is_not_asked_for_before_the_leader_knows()
    {
        await HaveAsync(One);
        var heard = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        _leader.OnRelease = async request =>
        {
            heard.SetResult();
            await answer.Task;
            return new ReleaseLeasesReply { Status = ScriptedLeader.Status(request.Epoch) };
        };
        var release = _leases.ReleaseAsync([One]);
        await heard.Task.Soon();

        // Only the leader has to hear of it: that is waited for.
        var isHeard = false;
        _leader.OnAcquire = request =>
        {
            Assert.True(Volatile.Read(ref isHeard));
            return Task.FromResult(_leader.Granted(request));
        };
        var again = AcquireAsync(One);
        Assert.False(_leases.GivenUp(One).IsCompleted);
        Volatile.Write(ref isHeard, true);
        answer.SetResult();
        await release.Soon();
        await _leases.GivenUp(One).Soon();
        Assert.Equal(LeaseMode.Read, (await again.Soon()).Mode);
    }

    /// <summary>Whoever asks may be what the holder waits for.</summary>
    [Fact]
    public async Task What_the_holder_is_just_giving_up_is_refused()
    {
        await HaveAsync(One);
        var begun = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        _holder.OnGiveUp = (_, _) =>
        {
            begun.SetResult();
            return goOn.Task;
        };
        _leader.Recall(1, One, 1);
        await begun.Task.Soon();
        Assert.Equal(FsStatus.TryAgain, (await AcquireAsync(One).Soon()).Status);
        goOn.SetResult();
        await _leases.GivenUp(One).Soon();
        Assert.Equal(LeaseMode.Read, (await AcquireAsync(One).Soon()).Mode);
    }

    /// <summary>It waits for whoever uses the lease; meanwhile another leads, whose recalls are counted anew.</summary>
    [Fact]
    public async Task A_recall_of_the_leader_before_says_nothing_to_the_next()
    {
        using var pin = await PinAsync(One);
        _leader.Recall(100, One, 1);
        await Eventually.True(() => _leader.Waits.Contains((5UL, 100UL)));
        _leader.OnReclaim = static request => Task.FromResult(new ReclaimLeasesReply
        {
            Status = ScriptedLeader.Status(6),
            Reclaimed = { request.Held.Select(_ => new ReclaimLeasesReply.Types.Reclaimed { Grant = 1 }) },
        });
        _leader.Tell(ScriptedLeader.Renewed(6));
        await Eventually.True(() => _leader.Waits.Contains((6UL, 0UL)));
        Assert.Equal(LeaseMode.Write, _leases.ModeOf(One));
        pin.Dispose();

        // Of another inode, so that whatever the first recall does is done when this is.
        await HaveAsync(Two, epoch: 6);
        _leader.Recall(1, Two, 2, epoch: 6);
        await Eventually.True(() => _leader.Heard.Contains($"6: {Two.Value} grant 2 keep 0"));
        _leader.Tell(ScriptedLeader.Renewed(6));
        await Eventually.True(() => _leader.Waits.Contains((6UL, 1UL)));
        Assert.Equal(LeaseMode.Write, _leases.ModeOf(One));
        Assert.DoesNotContain((6UL, 100UL), _leader.Waits);
    }

    /// <summary>Two use it; a third, who had none, says that he is done.</summary>
    [Fact]
    public async Task A_recall_waits_for_all_who_were_granted_it_and_for_nobody_who_came_later()
    {
        using var one = await PinAsync(One);
        using var two = await PinAsync(One);
        _leader.Recall(1, One, 2);
        await Eventually.True(() => _leader.Waits.Contains((5UL, 1UL)));
        one.Dispose();
        one.Dispose();
        using var later = await PinAsync(One);
        Assert.Equal(LeaseMode.Write, _leases.ModeOf(One));
        Assert.Empty(_holder.Told);
        two.Dispose();
        await Eventually.True(() => _leader.Heard.Contains($"5: {One.Value} grant 3 keep 0"));
    }

    [Fact]
    public async Task A_holder_that_fails_keeps_no_lease()
    {
        await HaveAsync(One);
        _holder.OnGiveUp = static (_, _) => throw new InvalidOperationException("a defect");
        _leader.Recall(1, One, 1, LeaseMode.Read);
        await Eventually.True(() => _leader.Heard.Contains($"5: {One.Value} grant 1 keep 0"));
        await _leases.GivenUp(One).Soon();
        Assert.Contains($"lost {One.Value}", _holder.Told);
        var failure = Assert.Single(_failures);
        Assert.Equal(ErrorCatalog.Internal, failure.Code);
        Assert.Equal(LeaseMode.Read, (await AcquireAsync(One).Soon()).Mode);
    }

    /// <summary>A lease is optional: what is not answered is not granted, and the caller asks without one.</summary>
    [Fact]
    public async Task When_nobody_answers_nothing_is_granted()
    {
        await HaveAsync(One);
        _leader.OnAcquire = static _ => throw new Rpc.RpcException(ErrorCatalog.HandlerFailed, "No.");
        Assert.Equal(new LeaseOutcome(LeaseMode.None, FsStatus.TryAgain, null), await AcquireAsync(Two).Soon());

        using var stop = new CancellationTokenSource();
        _leader.OnAcquire = static _ => new TaskCompletionSource<AcquireLeasesReply>().Task;
        var acquire = _leases.AcquireAsync([Two], LeaseMode.Read, TimeSpan.Zero, null, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => acquire).Soon();
    }

    /// <summary>A machine that was suspended for an hour must not find its leases as it left them.</summary>
    [Fact]
    public void Belief_is_judged_by_a_clock_that_goes_on_in_suspend() =>
        Assert.Same(Native.BootClock.Instance, _leader.Options.Clock);

    private async Task<LeasePin> PinAsync(InodeId inode)
    {
        var pin = new LeasePin(_leases, inode);
        await _leases.AcquireAsync([inode], LeaseMode.Write, TimeSpan.Zero, pin, default).Soon();
        return pin;
    }

    private async Task<LeaseOutcome> AcquireAsync(InodeId inode) => Assert.Single(
        await _leases.AcquireAsync([inode], LeaseMode.Read, TimeSpan.Zero, null, default));

    private async Task HaveAsync(InodeId inode, ulong epoch = ScriptedLeader.Epoch)
    {
        _leader.OnAcquire = request => Task.FromResult(_leader.Granted(request, epoch));
        Assert.Equal(LeaseMode.Read, (await AcquireAsync(inode).Soon()).Mode);
    }
}
