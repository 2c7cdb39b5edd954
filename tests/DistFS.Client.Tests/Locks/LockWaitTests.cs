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
    private Func<LockRequest, MetadataReply?> _refusal = static _ => null;
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
                    if (_refusal(asked) is { } refused)
                    {
                        return Task.FromResult(refused);
                    }

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
        Assert.Equal(FsStatus.Ok, await _nodes.WaitForLockAsync(_open, Range, static () => false, default).Soon());
        Assert.Equal([LockRequest.Types.Action.Wait], _asked);
    }

    [Fact]
    public async Task Who_is_told_nothing_asks_again_for_the_same()
    {
        var numbers = new HashSet<ulong>();
        _leader.OnWaitForLock = static (_, _) => Task.FromResult(new WaitForLockReply());
        _answer = asked => numbers.Add(asked.Number) || _asked.Count < 3 ? Waiting() : Granted();
        Assert.Equal(FsStatus.Ok, await _nodes.WaitForLockAsync(_open, Range, static () => false, default).Soon());
        Assert.Equal(Enumerable.Repeat(LockRequest.Types.Action.Wait, 3), _asked);
        Assert.Single(numbers);
    }

    [Fact]
    public async Task Who_is_told_that_he_waits_asks_nothing_of_the_log()
    {
        var calls = 0;
        _leader.OnWaitForLock = (_, _) => Task.FromResult(Interlocked.Increment(ref calls) < 3
            ? new WaitForLockReply { IsWaiting = true } : new WaitForLockReply { IsGranted = true, Token = 4 });
        Assert.Equal(FsStatus.Ok, await _nodes.WaitForLockAsync(_open, Range, static () => false, default).Soon());
        Assert.Equal([LockRequest.Types.Action.Wait], _asked);
        Assert.Equal(3, calls);
    }

    [Fact]
    public async Task A_leader_that_fails_is_asked_again_after_a_pause()
    {
        _leader.OnWaitForLock = static (_, _) => throw new InvalidOperationException("planted");
        _answer = _ => _asked.Count < 3 ? Waiting() : Granted();
        Assert.Equal(FsStatus.Ok, await _nodes.WaitForLockAsync(_open, Range, static () => false, default).Soon());
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
        Assert.Equal(expected, await _nodes.WaitForLockAsync(_open, Range, static () => false, stop.Token).Soon());
        Assert.Equal([LockRequest.Types.Action.Wait, LockRequest.Types.Action.Cancel], _asked);
    }

    /// <summary>^C in the moment in which the leader dies: it is EINTR all the same, and no place is kept.</summary>
    [Fact]
    public async Task Who_gives_up_while_nobody_leads_leaves_no_place()
    {
        using var stop = new CancellationTokenSource();
        _leader.OnWaitForLock = async (_, _) =>
        {
            await stop.CancelAsync();
            throw new InvalidOperationException("planted");
        };
        _answer = asked => asked.Action == LockRequest.Types.Action.Cancel ? new OperationReply() : Waiting();
        var status = await _nodes.WaitForLockAsync(_open, Range, static () => false, stop.Token).Soon();
        Assert.Equal(FsStatus.Interrupted, status);
        Assert.Equal([LockRequest.Types.Action.Wait, LockRequest.Types.Action.Cancel], _asked);
    }

    /// <summary>
    /// The program is told of an error: what is granted to it afterwards would be locked for ever. If it is there
    /// still, it leaves it when it closes the file.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_is_told_of_an_error_leaves_no_place(bool isLeft)
    {
        _leader.OnWaitForLock = static (_, _) => Task.FromResult(new WaitForLockReply());
        _refusal = asked => asked.Action == LockRequest.Types.Action.Wait && _asked.Count > 1
            ? ScriptedLeader.Refused(ErrorCatalog.BadRequest) : null;
        _answer = static asked => asked.Action switch
        {
            LockRequest.Types.Action.Wait => Waiting(),
            LockRequest.Types.Action.Cancel => new OperationReply { Status = (int)FsStatus.NotFound },
            _ => new OperationReply(),
        };
        await Assert.ThrowsAnyAsync<DistFsException>(
            () => _nodes.WaitForLockAsync(_open, Range, () => isLeft, default)).Soon();
        LockRequest.Types.Action[] expected =
        [
            LockRequest.Types.Action.Wait,
            LockRequest.Types.Action.Wait,
            LockRequest.Types.Action.Cancel,
            .. isLeft ? new[] { LockRequest.Types.Action.Leave } : [],
        ];
        await Eventually.True(() => _asked.Count == expected.Length);
        Assert.Equal(expected, _asked);
    }

    [Fact]
    public async Task A_deadlock_is_an_answer()
    {
        _answer = static _ => new OperationReply { Status = (int)FsStatus.Deadlock };
        var status = await _nodes.WaitForLockAsync(_open, Range, static () => false, default).Soon();
        Assert.Equal(FsStatus.Deadlock, status);
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
