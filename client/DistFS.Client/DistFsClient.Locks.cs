using DistFS.Client.Files;
using DistFS.Primitives;

namespace DistFS.Client;

/// <content>Locks.</content>
public sealed partial class DistFsClient
{
    /// <summary>Locks a file or directory for this client, as soon as nobody else has it.</summary>
    /// <param name="path">What is there; nothing of it changes.</param>
    /// <param name="exclusive">Alone; else together with others who do not want it alone.</param>
    /// <param name="cancellation">Waits no longer.</param>
    /// <exception cref="DistFsException">
    /// ENOENT; EACCES: to have a file alone asks for the right to write it, everything else for that to read.
    /// </exception>
    /// <example>
    /// <code>
    /// await using var alone = await dfs.LockAsync("/jobs/nightly");
    /// await RunAsync(alone.Token, alone.Lost);
    /// </code>
    /// </example>
    public async Task<DistFsLock> LockAsync(
        string path, bool exclusive = true, CancellationToken cancellation = default)
    {
        // So long that nobody sees its end.
        var locked = await TryLockAsync(path, TimeSpan.FromDays(36_500), exclusive, cancellation)
            .ConfigureAwait(false);
        return locked ?? throw new InvalidOperationException("A century was not enough.");
    }

    /// <summary>As <see cref="LockAsync"/>, for a while.</summary>
    /// <param name="path">What is there.</param>
    /// <param name="patience">It is waited for so long; zero: not at all.</param>
    /// <param name="exclusive">Alone.</param>
    /// <param name="cancellation">Waits no longer.</param>
    /// <returns>Null: somebody else has it.</returns>
    /// <exception cref="DistFsException">ENOENT, EACCES.</exception>
    public async Task<DistFsLock?> TryLockAsync(
        string path, TimeSpan patience, bool exclusive = true, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        var session = await _sessions.GetAsync(cancellation).ConfigureAwait(false);
        var open = new OpenHandleOf(session, Interlocked.Increment(ref _handles));
        return await DistFsLock.AcquireAsync(
            Files,
            open,
            status.Inode,
            path,
            new LockWish(exclusive, status.IsDirectory, patience),
            cancellation).ConfigureAwait(false);
    }
}
