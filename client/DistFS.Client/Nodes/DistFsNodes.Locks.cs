using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Nodes;

/// <content>Locks: flock, of an open; fcntl, of a range and its owner.</content>
public sealed partial class DistFsNodes
{
    /// <summary>For so long a request that nobody waits for any more is taken back; the session ends sooner.</summary>
    private static readonly TimeSpan CancelPatience = TimeSpan.FromHours(1);

    /// <summary>Locks something, if it can be had at once; else EAGAIN.</summary>
    public Task<FsStatus> LockAsync(NodeOpen open, NodeLock wanted, CancellationToken cancellation) =>
        LockAsync(open, wanted, LockRequest.Types.Action.Try, cancellation);

    /// <summary>
    /// Locks something as soon as it can be had. EDEADLK: somebody would wait for himself. EINTR: given up; what was
    /// granted in that moment is had all the same, and that is the answer.
    /// </summary>
    /// <param name="open">By which it is asked.</param>
    /// <param name="wanted">What.</param>
    /// <param name="isLeft">
    /// Whether nobody is there any more who would leave it: asked if it is granted after its program was told of an
    /// error.
    /// </param>
    /// <param name="cancellation">The program was interrupted.</param>
    /// <exception cref="DistFsException">
    /// Nobody answers: it is not waited for any more, as soon as somebody hears that.
    /// </exception>
    public async Task<FsStatus> WaitForLockAsync(
        NodeOpen open, NodeLock wanted, Func<bool> isLeft, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(open);
        var request = RequestOf(open, wanted, LockRequest.Types.Action.Wait);
        try
        {
            while (true)
            {
                // Its answer is heard in any case: what nobody hears of would be locked for ever.
                var reply = await LockAsync(open, request, _options.Patience, CancellationToken.None)
                    .ConfigureAwait(false);
                if (reply.Status != 0 || reply.Lock is { IsGranted: true })
                {
                    return (FsStatus)reply.Status;
                }

                try
                {
                    if (await _channel
                        .WaitForLockAsync(request, open.Handle.Session.Id, TimeSpan.MaxValue, cancellation)
                        .ConfigureAwait(false) != null)
                    {
                        return FsStatus.Ok;
                    }
                }
                catch (OperationCanceledException)
                {
                    request.Action = LockRequest.Types.Action.Cancel;
                    reply = await LockAsync(open, request, _options.Patience, CancellationToken.None)
                        .ConfigureAwait(false);
                    return (FsStatus)reply.Status switch
                    {
                        FsStatus.Ok => FsStatus.Interrupted,
                        FsStatus.NotFound => FsStatus.Ok,
                        var refused => refused,
                    };
                }
            }
        }
        catch (DistFsException)
        {
            _ = CancelLaterAsync(open, request, isLeft);
            throw;
        }
    }

    /// <summary>
    /// Its program was told of an error: it must not have a place among those who wait, which somebody would have to
    /// leave when it is granted.
    /// </summary>
    private async Task CancelLaterAsync(NodeOpen open, LockRequest request, Func<bool> isLeft)
    {
        try
        {
            request.Action = LockRequest.Types.Action.Cancel;
            var reply = await LockAsync(open, request, CancelPatience, CancellationToken.None).ConfigureAwait(false);
            if (reply.Status == (int)FsStatus.NotFound && isLeft())
            {
                request.Action = LockRequest.Types.Action.Leave;
                await LockAsync(open, request, CancelPatience, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (DistFsException e)
        {
            // It ends with the session.
            _options.Failed?.Invoke(e);
        }
    }

    /// <summary>Leaves what was locked.</summary>
    public Task<FsStatus> UnlockAsync(NodeOpen open, NodeLock held, CancellationToken cancellation) =>
        LockAsync(open, held, LockRequest.Types.Action.Leave, cancellation);

    /// <summary>What stands in the way of a lock; null: nothing.</summary>
    public async Task<(FsStatus Status, NodeLock? Held)> TestLockAsync(
        InodeId inode, NodeLock wanted, CancellationToken cancellation)
    {
        var reply = await ReadAsync(
            new ReadOperation
            {
                TestLock = new TestLockRequest
                {
                    Inode = inode.Value,
                    Kind = wanted.IsRange ? 2u : 1u,
                    Owner = wanted.Owner,
                    Exclusive = wanted.IsExclusive,
                    First = wanted.First,
                    Length = wanted.Length,
                },
            },
            _options.Identity,
            cancellation).ConfigureAwait(false);
        return ((FsStatus)reply.Status, reply.Lock is { IsHeld: true } held
            ? new NodeLock(wanted.IsRange, 0, held.Exclusive, held.First, held.Length, held.Process) : null);
    }

    private async Task<FsStatus> LockAsync(
        NodeOpen open, NodeLock wanted, LockRequest.Types.Action action, CancellationToken cancellation)
    {
        var reply = await LockAsync(open, RequestOf(open, wanted, action), _options.Patience, cancellation)
            .ConfigureAwait(false);
        return reply.Status != 0 || action == LockRequest.Types.Action.Leave || reply.Lock is { IsGranted: true }
            ? (FsStatus)reply.Status : FsStatus.TryAgain;
    }

    /// <summary>That somebody else has it (EAGAIN) is an answer, and nothing to be asked again by itself.</summary>
    private static async Task<OperationReply> LockAsync(
        NodeOpen open, LockRequest asked, TimeSpan patience, CancellationToken cancellation)
    {
        var request = new MutateRequest();
        request.Operations.Add(new Operation { Lock = asked });
        return (await open.Handle.Session.MutateAsync(request, patience, cancellation).ConfigureAwait(false))[0];
    }

    private LockRequest RequestOf(NodeOpen open, NodeLock wanted, LockRequest.Types.Action action) => new()
    {
        Inode = open.Inode.Value,
        Handle = open.Handle.Handle,
        Action = action,
        Kind = wanted.IsRange ? 2u : 1u,
        Owner = wanted.Owner,
        Exclusive = wanted.IsExclusive,
        First = wanted.First,
        Length = wanted.Length,
        Number = Interlocked.Increment(ref _handles),
        Process = wanted.Process,
    };
}
