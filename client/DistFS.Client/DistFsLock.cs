using DistFS.Client.Files;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client;

/// <summary>
/// A lock of a file or directory that all clients of the cluster respect which ask for it (flock): held until it is
/// disposed of, or lost with the client's session, when nothing was heard of it for
/// <see cref="DistFsClientOptions.SessionLease"/>.
/// </summary>
/// <remarks>
/// Who is paused cannot notice in time that a lock was lost. What must not be written by two is therefore written with
/// <see cref="Token"/>: whoever keeps it refuses a token that is lower than one that it has seen.
/// </remarks>
public sealed class DistFsLock : IAsyncDisposable
{
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(10);

    private readonly FileContext _context;
    private readonly OpenHandleOf _open;
    private readonly InodeId _inode;

    private DistFsLock(FileContext context, OpenHandleOf open, InodeId inode, string path) =>
        (_context, _open, _inode, Path) = (context, open, inode, path);

    /// <summary>Of which file.</summary>
    public string Path { get; }

    /// <summary>Higher than that of every lock of the cluster that was granted before.</summary>
    public ulong Token { get; private set; }

    /// <summary>
    /// Cancelled when the lock is lost, or may be before the metaservers are heard of again: somewhat earlier than
    /// anybody else can have it.
    /// </summary>
    public CancellationToken Lost { get; private set; }

    /// <summary>Lets others have it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_open.Session.IsEnded)
        {
            return;
        }

        using var limit = new CancellationTokenSource(ReleaseLimit);
        if (Lost.IsCancellationRequested)
        {
            // It ends with the session. If somebody answers, others need not wait for that.
            await ReleaseAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        await ReleaseAsync(limit.Token).ConfigureAwait(false);
    }

    private async Task ReleaseAsync(CancellationToken cancellation)
    {
        var release = new ReleaseRequest { Inode = _inode.Value, Handle = _open.Handle };
        var reply = await WrittenPlace.OneAsync(_context, _open, new Operation { Release = release }, cancellation)
            .ConfigureAwait(false);

        // EBADF: the session is a new one for the metaservers; then nothing is locked.
        if (reply.Status is not (0 or (int)FsStatus.BadHandle))
        {
            throw FileErrors.Of((FsStatus)reply.Status, Path);
        }
    }

    /// <summary>Asks, and goes on asking; null: not granted in that time.</summary>
    internal static async Task<DistFsLock?> AcquireAsync(
        FileContext context,
        OpenHandleOf open,
        InodeId inode,
        string path,
        LockWish wish,
        CancellationToken cancellation)
    {
        var held = new DistFsLock(context, open, inode, path);
        var begin = new OpenRequest { Inode = inode.Value, Open = new OpenHandle { Handle = open.Handle } };

        // flock asks for nothing; but who may not write should not keep those out who may.
        begin.Open.Access = wish is { IsExclusive: true, IsDirectory: false } ? 2u : 4u;
        var opened = await WrittenPlace.OneAsync(context, open, new Operation { Open = begin }, cancellation)
            .ConfigureAwait(false);
        FileErrors.Ensure(opened.Status, path);
        try
        {
            if (await held.AskAsync(wish, cancellation).ConfigureAwait(false))
            {
                return held;
            }
        }
        catch
        {
            // Whoever waits has a place in the queue, which ends with the open.
            await held.DisposeAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        await held.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    private async Task<bool> AskAsync(LockWish wish, CancellationToken cancellation)
    {
        var clock = _context.Options.Clock;
        var from = clock.GetTimestamp();
        for (; ; )
        {
            var request = new LockRequest
            {
                Inode = _inode.Value,
                Handle = _open.Handle,
                Action = wish.Patience == TimeSpan.Zero ? LockRequest.Types.Action.Try : LockRequest.Types.Action.Wait,
                Kind = 1,
                Exclusive = wish.IsExclusive,
                Number = 1,
            };

            // That somebody else has it (EAGAIN) is the answer here, and nothing to be asked again by itself.
            var mutation = new MutateRequest();
            mutation.Operations.Add(new Operation { Lock = request });
            var reply = (await _open.Session.MutateAsync(mutation, cancellation).ConfigureAwait(false))[0];
            if (reply.Lock is { IsGranted: true } granted && reply.Status == 0)
            {
                (Token, Lost) = (granted.Token, _open.Session.Doubtful);
                return true;
            }

            if (reply.Status is not (0 or (int)FsStatus.TryAgain))
            {
                throw FileErrors.Of((FsStatus)reply.Status, Path);
            }

            var left = wish.Patience - clock.GetElapsedTime(from);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            // It keeps its place meanwhile: the same question again is answered with the lock once it is granted.
            if (await _context.Channel.WaitForLockAsync(request, _open.Session.Id, left, cancellation)
                .ConfigureAwait(false) is { } token)
            {
                (Token, Lost) = (token, _open.Session.Doubtful);
                return true;
            }
        }
    }
}

/// <summary>What lock is asked for, and how.</summary>
internal sealed record LockWish(bool IsExclusive, bool IsDirectory, TimeSpan Patience);
