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
    private readonly Lock _gate = new();
    private readonly SequenceWindow _window = new(Width);
    private readonly Queue<TaskCompletionSource> _waiting = [];
    private readonly Task _keeping;
    private volatile bool _isEnded;
    private int _isDisposed;

    private ClientSession(MetadataChannel channel, DistFsClientOptions options, ClientId id)
    {
        (_channel, _options, Id) = (channel, options, id);
        _keeping = Task.Run(KeepAsync);
    }

    /// <summary>Names it in all requests.</summary>
    public ClientId Id { get; }

    /// <summary>The metaservers have it no more: what it had open is closed.</summary>
    public bool IsEnded => _isEnded;

    /// <summary>Begins one.</summary>
    public static async Task<ClientSession> OpenAsync(
        MetadataChannel channel, DistFsClientOptions options, CancellationToken cancellation)
    {
        var nonce = (ulong)Random.Shared.NextInt64(1, long.MaxValue);
        var id = await channel.OpenSessionAsync(nonce, cancellation).ConfigureAwait(false);
        return new ClientSession(channel, options, id);
    }

    /// <summary>
    /// Does operations, each for itself. Cancellation stops waiting; whether they were done is not known then.
    /// </summary>
    /// <exception cref="DistFsException">
    /// No answer in time; <see cref="ErrorCatalog.SessionEnded"/>: nothing of it was done, the session is over;
    /// <see cref="ErrorCatalog.OutcomeUnknown"/>.
    /// </exception>
    public async Task<IReadOnlyList<OperationReply>> MutateAsync(
        MutateRequest request, CancellationToken cancellation)
    {
        foreach (var operation in request.Operations)
        {
            operation.Caller ??= _channel.Caller;
        }

        var (sequence, acknowledged) = await TakeAsync(cancellation).ConfigureAwait(false);
        try
        {
            var call = new MutateCall
            {
                Client = Id.Value,
                Sequence = sequence,
                Acknowledged = acknowledged,
                Request = UnsafeByteOperations.UnsafeWrap(request.ToByteArray()),
            };
            var (reply, mayBeDone) = await _channel.MutateAsync(call, cancellation).ConfigureAwait(false);
            if (reply.Code == ErrorCatalog.SessionEnded.Number)
            {
                _isEnded = true;
                throw mayBeDone
                    ? new DistFsException(
                        ErrorCatalog.OutcomeUnknown,
                        "The session ended while a change was being sent; it was made once or not at all.")
                    : MetadataChannel.Error(reply.Status, reply.Code);
            }

            return reply.Status == 0 ? reply.Mutate.Replies : throw MetadataChannel.Error(reply.Status, reply.Code);
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

    private async Task KeepAsync()
    {
        var third = _options.SessionLease / 3;
        using var timer = new PeriodicTimer(third, _options.Clock);
        try
        {
            while (!_isEnded && await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                try
                {
                    await _channel.KeepAliveAsync(Id, third, _stop.Token).ConfigureAwait(false);
                }
                catch (DistFsException e) when (e.Code == ErrorCatalog.SessionEnded)
                {
                    _isEnded = true;
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
