using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Cluster;

/// <summary>
/// The session of a client: begun with the first request that needs one, and another one when it was ended. Any thread.
/// </summary>
/// <param name="options">Of the client.</param>
/// <param name="begin">Begins one.</param>
/// <param name="ended">One that was ended, or is the last, is put away.</param>
internal sealed class SessionSource(
    DistFsClientOptions options,
    Func<CancellationToken, Task<ClientSession>> begin,
    Func<ClientSession, ValueTask> ended) : IAsyncDisposable
{
    private const int AttemptsMax = 3;

    private readonly SemaphoreSlim _opening = new(1);
    private volatile ClientSession? _session;

    /// <summary>Names the session in reads; 0: there is none.</summary>
    public ulong Id => _session?.Id.Value ?? 0;

    /// <summary>The session.</summary>
    /// <exception cref="DistFsException">None could be begun.</exception>
    public async ValueTask<ClientSession> GetAsync(CancellationToken cancellation)
    {
        if (_session is { IsEnded: false } session)
        {
            return session;
        }

        await _opening.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_session is { IsEnded: false } known)
            {
                return known;
            }

            if (Interlocked.Exchange(ref _session, null) is { } over)
            {
                await ended(over).ConfigureAwait(false);
            }

            return _session = await begin(cancellation).ConfigureAwait(false);
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>
    /// Operations in one request. In a new session, if the one there was ended before any of it could be done.
    /// </summary>
    public async Task<IReadOnlyList<OperationReply>> MutateAsync(
        MutateRequest request, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var session = await GetAsync(cancellation).ConfigureAwait(false);
            try
            {
                return await session.MutateAsync(request, cancellation).ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Code == ErrorCatalog.SessionEnded && attempt < AttemptsMax)
            {
                // Nothing of it was done: what was open is closed, which a name does not mind.
            }
        }
    }

    /// <summary>One operation; asked again while it says EAGAIN.</summary>
    public async Task<OperationReply> MutateAsync(Operation operation, CancellationToken cancellation)
    {
        var request = new MutateRequest();
        request.Operations.Add(operation);
        for (var waits = new MetadataChannel.Waits(options); ;)
        {
            var reply = (await MutateAsync(request, cancellation).ConfigureAwait(false))[0];
            if (reply.Status != (int)FsStatus.TryAgain || waits.IsOver)
            {
                return reply;
            }

            await waits.PauseAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _session, null) is { } session)
        {
            await ended(session).ConfigureAwait(false);
        }

        _opening.Dispose();
    }
}
