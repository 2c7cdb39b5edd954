using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using Google.Protobuf;

namespace DistFS.Client.Cluster;

/// <summary>
/// A session: requests under numbers, so that each is done once whoever leads, and the news that this client is alive.
/// Any thread.
/// </summary>
internal sealed class ClientSession : IAsyncDisposable
{
    /// <summary>Of the 1,024 that the metaservers keep (DFS1404), as many at a time.</summary>
    private const int Width = 1000;

    /// <summary>Who is done does not wait for long.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(2);

    private readonly MetadataChannel _channel;
    private readonly DistFsClientOptions _options;
    private readonly CancellationTokenSource _stop = new();

    // Never disposed of, as the one below.
    private readonly CancellationTokenSource _over = new();
    private readonly Lock _gate = new();
    private readonly SequenceWindow _window = new(Width);
    private readonly Queue<TaskCompletionSource> _waiting = [];
    private readonly Task _keeping;
    private volatile bool _isEnded;
    private int _isDisposed;

    // Replaced under the gate when the metaservers are heard of again after it was cancelled. Never disposed of:
    // whoever has its token may look at it after the session.
    private volatile CancellationTokenSource _doubtful;

    private ClientSession(
        MetadataChannel channel, DistFsClientOptions options, ClientId id, long sent, bool usesLeases)
    {
        (_channel, _options, Id) = (channel, options, id);
        _doubtful = new CancellationTokenSource(BelievedSince(sent), options.Clock);
        _keeping = usesLeases ? Task.CompletedTask : Task.Run(KeepAsync);
    }

    /// <summary>Names it in all requests.</summary>
    public ClientId Id { get; }

    /// <summary>The metaservers have it no more: what it had open is closed.</summary>
    public bool IsEnded => _isEnded;

    /// <summary>Cancelled when it has ended, whoever heard of that first.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>
    /// Cancelled when it is over, or nothing was heard of the metaservers for so long that it may be soon: what only
    /// one may do at a time is stopped then, while nobody else may do it yet.
    /// </summary>
    public CancellationToken Doubtful => _doubtful.Token;

    /// <summary>Begins one.</summary>
    /// <param name="channel">To the metaservers.</param>
    /// <param name="options">Of the client.</param>
    /// <param name="usesLeases">
    /// A new leader waits for what it reclaims; and whoever listens for recalls keeps it alive
    /// (<see cref="Leases.LeaseClient"/>).
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<ClientSession> OpenAsync(
        MetadataChannel channel, DistFsClientOptions options, bool usesLeases, CancellationToken cancellation)
    {
        var nonce = (ulong)Random.Shared.NextInt64(1, long.MaxValue);
        var sent = options.Clock.GetTimestamp();
        var id = await channel.OpenSessionAsync(nonce, usesLeases, cancellation).ConfigureAwait(false);
        return new ClientSession(channel, options, id, sent, usesLeases);
    }

    /// <summary>
    /// Does operations, each for itself. Cancellation stops waiting; whether they were done is not known then.
    /// </summary>
    /// <exception cref="DistFsException">
    /// No answer in time; <see cref="ErrorCatalog.SessionEnded"/>: nothing of it was done, the session is over;
    /// <see cref="ErrorCatalog.OutcomeUnknown"/>.
    /// </exception>
    public Task<IReadOnlyList<OperationReply>> MutateAsync(MutateRequest request, CancellationToken cancellation) =>
        MutateAsync(request, _options.Patience, cancellation);

    /// <summary>The same, with another patience than that of the client.</summary>
    public async Task<IReadOnlyList<OperationReply>> MutateAsync(
        MutateRequest request, TimeSpan patience, CancellationToken cancellation)
    {
        foreach (var operation in request.Operations)
        {
            operation.Caller ??= _channel.Caller;
        }

        var bytes = UnsafeByteOperations.UnsafeWrap(request.ToByteArray());
        for (var waits = new MetadataChannel.Waits(_options, patience); ;)
        {
            // Who waits for others (EAGAIN) has not been executed, and keeps no number meanwhile: those behind it could
            // not be acknowledged, until none is left, also for what the others wait for.
            var reply = await OnceAsync(bytes, waits, cancellation).ConfigureAwait(false);
            if (reply.Status != (int)FsStatus.TryAgain)
            {
                return reply.Status == 0
                    ? reply.Mutate.Replies : throw MetadataChannel.Error(reply.Status, reply.Code);
            }

            await waits.AgainAsync(reply.Status, reply.Code, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Sends a request under one number, until it is answered.</summary>
    /// <returns>Not 0: it was not executed.</returns>
    private async Task<MetadataReply> OnceAsync(
        ByteString request, MetadataChannel.Waits waits, CancellationToken cancellation)
    {
        var (sequence, acknowledged) = await TakeAsync(cancellation).ConfigureAwait(false);
        try
        {
            var call = new MutateCall
            {
                Client = Id.Value,
                Sequence = sequence,
                Acknowledged = acknowledged,
                Request = request,
            };
            var sent = _options.Clock.GetTimestamp();
            var (reply, mayBeDone) = await _channel.MutateAsync(call, waits, cancellation).ConfigureAwait(false);
            if (reply.Code == ErrorCatalog.SessionEnded.Number)
            {
                End();
                throw mayBeDone
                    ? new DistFsException(
                        ErrorCatalog.OutcomeUnknown,
                        "The session ended while a change was being sent; it was made once or not at all.")
                    : MetadataChannel.Error(reply.Status, reply.Code);
            }

            if (_doubtful.IsCancellationRequested)
            {
                Hear(sent);
            }

            return reply;
        }
        catch (RpcException e) when (e.OutcomeUnknown)
        {
            throw new DistFsException(
                ErrorCatalog.OutcomeUnknown, $"No answer came; the change was made once or not at all. {e.Message}", e);
        }
        finally
        {
            Answered(sequence);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _keeping.ConfigureAwait(false);
        _stop.Dispose();
        _doubtful.CancelAfter(Timeout.InfiniteTimeSpan);
        if (_isEnded)
        {
            return;
        }

        try
        {
            await _channel.EndSessionAsync(Id, EndLimit).ConfigureAwait(false);
        }
        catch (DistFsException)
        {
            // Nobody leads, or it is over: it ends with its lease, as that of a client that dies.
        }
    }

    private async ValueTask<(ulong Sequence, ulong Acknowledged)> TakeAsync(CancellationToken cancellation)
    {
        for (; ; )
        {
            Task room;
            lock (_gate)
            {
                if (!_window.IsFull)
                {
                    return (_window.Take(), _window.Acknowledged);
                }

                var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Enqueue(waiting);
                room = waiting.Task;
            }

            await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Also of a request that was given up: its number is never used again, so nobody asks for its reply.
    /// </summary>
    private void Answered(ulong sequence)
    {
        lock (_gate)
        {
            _window.Answer(sequence);

            // All of them: one that gave up must not take the place of one that waits.
            while (!_window.IsFull && _waiting.TryDequeue(out var waiting))
            {
                waiting.TrySetResult();
            }
        }
    }

    /// <summary>
    /// How long it may yet be believed that the session lives, of what was answered and sent then. The metaservers end
    /// it a whole lease time after they heard of it; what is left is for those who have to stop something.
    /// </summary>
    private TimeSpan BelievedSince(long sent)
    {
        var left = (_options.SessionLease * 5 / 6) - _options.Clock.GetElapsedTime(sent);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>The metaservers answered what was sent then.</summary>
    private void Hear(long sent)
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return;
            }

            if (_doubtful.IsCancellationRequested)
            {
                _doubtful = new CancellationTokenSource(BelievedSince(sent), _options.Clock);
            }
            else
            {
                _doubtful.CancelAfter(BelievedSince(sent));
            }
        }
    }

    /// <summary>It is over. Whoever hangs on it hears of it.</summary>
    public void End()
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return;
            }

            _isEnded = true;

            // Not waited for: what hangs on it is others' work.
            _ = _doubtful.CancelAsync();
            _ = _over.CancelAsync();
        }
    }

    /// <summary>The metaservers have renewed it, as of a call that was sent then.</summary>
    /// <param name="sentMs">Milliseconds of the clock.</param>
    public void Heard(long sentMs) => Hear((long)(sentMs * (_options.Clock.TimestampFrequency / 1000.0)));

    private async Task KeepAsync()
    {
        var third = _options.SessionLease / 3;
        using var timer = new PeriodicTimer(third, _options.Clock);
        try
        {
            while (!_isEnded && await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                var sent = _options.Clock.GetTimestamp();
                try
                {
                    await _channel.KeepAliveAsync(Id, third, _stop.Token).ConfigureAwait(false);
                    Hear(sent);
                }
                catch (DistFsException e) when (e.Code == ErrorCatalog.SessionEnded)
                {
                    End();
                }
                catch (DistFsException)
                {
                    // Whoever does not answer may do so next time; until then nobody is told anything wrong.
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The client is done.
        }
    }
}
