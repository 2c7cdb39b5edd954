using System.Collections.Concurrent;
using DistFS.Client.Nodes;
using DistFS.Client.Tests.Leases;
using DistFS.Protocol;

namespace DistFS.Client.Tests.Locks;

/// <summary>Who waits for a lock asks once, and again only if nobody tells him.</summary>
public sealed class LockWaitTests : IAsyncLifetime, IAsyncDisposable
{
    private static readonly InodeId File = new(11);
    private static readonly NodeLock Range = new(true, 5, true, 0, 1, 0);

    private readonly ScriptedLeader _leader = new();
    private readonly ConcurrentQueue<LockRequest.Types.Action> _asked = [];
    private Func<LockRequest, OperationReply> _answer = static _ => Waiting();
    private DistFsNodes _nodes = null!;
    private NodeOpen _open = null!;

    public async Task InitializeAsync()
    {
        _leader.OnMutate = (call, _) =>
        {
            var reply = ScriptedLeader.Done();
            foreach (var operation in MutateRequest.Parser.ParseFrom(call.Request).Operations)
            {
                if (operation.Lock is { } asked)
                {
                    _asked.Enqueue(asked.Action);
                    reply.Mutate.Replies[0] = _answer(asked);
                }
            }

            return Task.FromResult(reply);
        };
        _nodes = await DistFsNodes.ConnectAsync(_leader.Options, new RecordingHolder()).Soon();
        _open = await _nodes.OpenAsync(File, default).Soon();
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _nodes.DisposeAsync();
        await _leader.DisposeAsync();
    }

    [Fact]
    public async Task Who_is_told_need_not_ask_again()
    {
        _leader.OnWaitForLock = (_, _) => Task.FromResult(new WaitForLockReply { IsGranted = true, Token = 4 });
        Assert.Equal(FsStatus.Ok, await _nodes.WaitForLockAsync(_open, Range, default).Soon());
        Assert.Equal([LockRequest.Types.Action.Wait], _asked);
    }

    [Fact]
    public async Task Who_is_told_nothing_asks_again_for_the_same()
    {
        var numbers = new HashSet<ulong>();
        _leader.OnWaitForLock = static (_, _) => Task.FromResult(new WaitForLockReply());
        _answer = asked => numbers.Add(asked.Number) || _asked.Count < 3 ? Waiting() : Granted();
        Assert.Equal(FsStatus.Ok, await _nodes.WaitForLockAsync(_open, Range, default).Soon());
        Assert.Equal(Enumerable.Repeat(LockRequest.Types.Action.Wait, 3), _asked);
        Assert.Single(numbers);
    }

    [Fact]
    public async Task A_leader_that_fails_is_asked_again_after_a_pause()
    {
        _leader.OnWaitForLock = static (_, _) => throw new InvalidOperationException("planted");
        _answer = _ => _asked.Count < 3 ? Waiting() : Granted();
        Assert.Equal(FsStatus.Ok, await _nodes.WaitForLockAsync(_open, Range, default).Soon());
        Assert.Equal(3, _asked.Count);
    }

    [Theory]
    [InlineData(FsStatus.Ok, FsStatus.Interrupted)]
    [InlineData(FsStatus.NotFound, FsStatus.Ok)]
    public async Task Who_gives_up_has_what_was_granted_in_that_moment(FsStatus cancelled, FsStatus expected)
    {
        using var stop = new CancellationTokenSource();
        _leader.OnWaitForLock = async (_, cancellation) =>
        {
            await stop.CancelAsync();
            return await new TaskCompletionSource<WaitForLockReply>().Task.WaitAsync(cancellation);
        };
        _answer = asked => asked.Action == LockRequest.Types.Action.Cancel
            ? new OperationReply { Status = (int)cancelled } : Waiting();
        Assert.Equal(expected, await _nodes.WaitForLockAsync(_open, Range, stop.Token).Soon());
        Assert.Equal([LockRequest.Types.Action.Wait, LockRequest.Types.Action.Cancel], _asked);
    }

    [Fact]
    public async Task A_deadlock_is_an_answer()
    {
        _answer = static _ => new OperationReply { Status = (int)FsStatus.Deadlock };
        Assert.Equal(FsStatus.Deadlock, await _nodes.WaitForLockAsync(_open, Range, default).Soon());
    }

    /// <summary>Two clients of a metaserver as it ships hand a lock over, in the order in which they came.</summary>
    [Fact]
    public async Task A_lock_goes_from_one_to_the_next()
    {
        await using var cluster = await LeasesOfACluster.StartAsync();
        await using var one = await DistFsClient.ConnectAsync(cluster.OptionsOf()).Soon();
        await using var two = await DistFsClient.ConnectAsync(cluster.OptionsOf()).Soon();
        await one.CreateDirectoryAsync("/jobs").Soon();
        var tokens = new ConcurrentQueue<ulong>();
        await Task.WhenAll(new[] { one, two, one, two }.Select(async client =>
        {
            for (var i = 0; i < 25; i++)
            {
                await using var alone = await client.LockAsync("/jobs");
                tokens.Enqueue(alone.Token);
            }
        })).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(tokens.Order(), tokens);
        Assert.Equal(100, tokens.Distinct().Count());
    }

    private static OperationReply Waiting() => new() { Lock = new LockReply() };

    private static OperationReply Granted() => new() { Lock = new LockReply { IsGranted = true, Token = 9 } };
}
