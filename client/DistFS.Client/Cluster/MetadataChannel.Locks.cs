using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Services;

namespace DistFS.Client.Cluster;

/// <content>Locks that are waited for.</content>
internal sealed partial class MetadataChannel
{
    /// <summary>Of the calls that a connection takes (1,024), the others are for everything else.</summary>
    private const int LockWaitsMax = 256;

    /// <summary>The metaservers wait for 3/4 of it.</summary>
    private static readonly TimeSpan LockWaitMax = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(500);

    // Nobody asks for its wait handle.
    private readonly SemaphoreSlim _lockWaits = new(LockWaitsMax);

    /// <summary>Waits until a lock that was asked for is granted.</summary>
    /// <param name="wanted">As it was asked for.</param>
    /// <param name="client">The session.</param>
    /// <param name="limit">No longer than that.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Its token; null: what is so is said by the request for the lock, sent again.</returns>
    /// <exception cref="OperationCanceledException">Given up.</exception>
    public async Task<ulong?> WaitForLockAsync(
        LockRequest wanted, ClientId client, TimeSpan limit, CancellationToken cancellation)
    {
        var begun = _options.Clock.GetTimestamp();
        if (await _lockWaits.WaitAsync(TimeSpan.Zero, cancellation).ConfigureAwait(false))
        {
            try
            {
                var call = new WaitForLockCall
                {
                    Client = client.Value,
                    Inode = wanted.Inode,
                    Kind = wanted.Kind,
                    Owner = wanted.Kind == 1 ? wanted.Handle : wanted.Owner,
                    Number = wanted.Number,
                };
                WaitForLockReply reply;
                do
                {
                    var left = limit - _options.Clock.GetElapsedTime(begun);
                    if (left <= TimeSpan.Zero)
                    {
                        return null;
                    }

                    left = left < LockWaitMax ? left : LockWaitMax;
                    reply = (await _leader.AskAsync(
                        MetadataMethods.WaitForLock,
                        call,
                        static reply => reply,
                        new LeaderCall(left, left),
                        cancellation).ConfigureAwait(false)).Reply;
                }
                while (reply.IsWaiting);
                if (reply.Status == 0)
                {
                    return reply.IsGranted ? reply.Token : null;
                }
            }
            catch (DistFsException)
            {
                // Nobody leads, or he has too much to do: the request for the lock says so if it goes on.
                cancellation.ThrowIfCancellationRequested();
            }
            finally
            {
                _lockWaits.Release();
            }
        }

        var rest = limit - _options.Clock.GetElapsedTime(begun);
        if (rest > TimeSpan.Zero)
        {
            await Task.Delay(rest < LockPause ? rest : LockPause, _options.Clock, cancellation).ConfigureAwait(false);
        }

        return null;
    }
}
