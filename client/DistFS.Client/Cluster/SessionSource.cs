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
    /// <summary>So often something is tried, if the session ends before any of it was done.</summary>
    public const int AttemptsMax = 3;

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();

    // Under the gate: all who need a session wait for the same one, and nobody for those who came before him.
    private Task<ClientSession>? _opening;
    private bool _isDisposed;
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

        Task<ClientSession> opening;
        lock (_gate)
        {
            if (_isDisposed)
            {
                throw new DistFsException(ErrorCatalog.Cancelled, "The client has ended: no session begins any more.");
            }

            if (_session is { IsEnded: false } known)
            {
                return known;
            }

            opening = _opening ??= Task.Run(OpenAsync, CancellationToken.None);
        }

        return await opening.WaitAsync(cancellation).ConfigureAwait(false);
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

    /// <summary>Ends the session. None begins any more.</summary>
    public async ValueTask DisposeAsync()
    {
        Task? opening;
        lock (_gate)
        {
            (_isDisposed, opening) = (true, _opening);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (opening != null)
        {
            // Whoever asked for it is told how it ended.
            await opening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (Interlocked.Exchange(ref _session, null) is { } session)
        {
            await ended(session).ConfigureAwait(false);
        }
    }

    /// <summary>One at a time; of all who wait, so none of them cancels it.</summary>
    private async Task<ClientSession> OpenAsync()
    {
        try
        {
            if (Interlocked.Exchange(ref _session, null) is { } over)
            {
                await ended(over).ConfigureAwait(false);
            }

            return _session = await begin(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (_stop.IsCancellationRequested)
        {
            throw new DistFsException(ErrorCatalog.Cancelled, "The client has ended.", e);
        }
        finally
        {
            lock (_gate)
            {
                _opening = null;
            }
        }
    }
}
