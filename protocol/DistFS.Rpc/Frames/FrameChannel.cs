using System.Net.Security;
using DistFS.Primitives;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polly;
using Polly.Retry;

namespace DistFS.Rpc.Frames;

/// <summary>What a channel needs to know.</summary>
public sealed record FrameChannelOptions
{
    /// <summary>Of each connection.</summary>
    public FrameOptions Frames { get; init; } = new();

    /// <summary>Set to use TLS.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>What the server may call back (pushes, such as the recall of a lease); null for nothing.</summary>
    public RpcDispatcher? Callbacks { get; init; }

    /// <summary>
    /// While no connection can be made: false fails calls at once, so that the caller may go elsewhere; true lets them
    /// wait for one until their deadline.
    /// </summary>
    public bool WaitForReady { get; init; }

    /// <summary>Before the second attempt; doubles with jitter up to <see cref="RetryDelayMax"/>.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Between attempts at most.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Called on a thread of the pool each time that a connection ends which had been made, unless the channel was
    /// disposed. The kernel closes the connections of a process that dies, so this is the first that is known of it.
    /// </summary>
    public Action? OnLost { get; init; }

    /// <summary>Where unexpected errors of callbacks go.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>
/// A connection to one address that is made at the first call and made again, with growing delays, when it was lost.
/// A call that was under way when it was lost fails: only its caller knows whether repeating it is safe.
/// </summary>
public sealed class FrameChannel : IRpcCaller, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly FrameChannelOptions _options;
    private readonly FrameConnector _connector;
    private readonly CancellationTokenSource _disposed = new();
    private readonly ResiliencePipeline _retry;

    private volatile FrameConnection? _connection;

    // Under the gate: what calls wait for while a connection is being made; null when none is.
    private Attempt? _attempt;

    /// <summary>Nothing is connected before the first call.</summary>
    /// <exception cref="RpcException"><see cref="ErrorCatalog.Configuration"/>: an option is out of range.</exception>
    public FrameChannel(RpcAddress address, FrameChannelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        _options = options ?? new FrameChannelOptions();
        Address = address;
        _connector = new FrameConnector(
            address,
            _options.Frames.Validate(),
            _options.Tls,
            new FrameHandlers(_options.Callbacks ?? new RpcDispatcher(), _options.Logger));
        _retry = new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<RpcException>(),
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = _options.RetryDelay,
                MaxDelay = _options.RetryDelayMax,
            })
            .Build();
    }

    /// <summary>Where it connects to.</summary>
    public RpcAddress Address { get; }

    /// <summary>The peer, while connected.</summary>
    public RpcPeer? Peer => _connection?.Peer;

    /// <inheritdoc/>
    public ValueTask<RpcReply<TReply>> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, in CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        var connection = _connection;
        return connection is { IsUsable: true }
            ? connection.CallAsync(method, request, options)
            : ConnectAndCallAsync(method, request, options);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TReply> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        var (connection, remaining) = await ConnectAsync(method, options).ConfigureAwait(false);
        await foreach (var reply in connection.StreamAsync(method, request, remaining).ConfigureAwait(false))
        {
            yield return reply;
        }
    }

    /// <summary>Calls under way are given up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync().ConfigureAwait(false);
        FrameConnection? connection;
        Task? attempt;
        lock (_gate)
        {
            connection = _connection;
            attempt = _attempt?.Loop;
        }

        if (attempt != null)
        {
            await attempt.ConfigureAwait(false);
            connection = _connection;
        }

        connection?.Close(
            new RpcException(ErrorCatalog.ShuttingDown, $"{Address}: the channel was disposed."), fault: false);
    }

    private async ValueTask<RpcReply<TReply>> ConnectAndCallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        var (connection, remaining) = await ConnectAsync(method, options).ConfigureAwait(false);
        return await connection.CallAsync(method, request, remaining).ConfigureAwait(false);
    }

    private async ValueTask<(FrameConnection Connection, CallOptions Remaining)> ConnectAsync(
        RpcMethod method, CallOptions options)
    {
        var deadline = FrameConnection.Deadline(options.Timeout);
        Task<FrameConnection> ready;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
            if (_connection is { IsUsable: true } usable)
            {
                return (usable, options);
            }

            _attempt ??= StartAttemptUnderGate();
            ready = _attempt.Awaited(_options.WaitForReady);
        }

        try
        {
            var timeout = deadline == ServerCall.NoDeadline ? Timeout.InfiniteTimeSpan : options.Timeout;
            var connection = await ready.WaitAsync(timeout, options.Cancellation).ConfigureAwait(false);
            if (deadline == ServerCall.NoDeadline)
            {
                return (connection, options);
            }

            var left = Math.Max(1, deadline - Environment.TickCount64);
            return (connection, options with { Timeout = TimeSpan.FromMilliseconds(left) });
        }
        catch (TimeoutException e)
        {
            throw new RpcException(
                ErrorCatalog.DeadlineExceeded, $"{method}: no connection to {Address} in time.", e);
        }
    }

    private Attempt StartAttemptUnderGate()
    {
        var attempt = new Attempt();
        attempt.Loop = Task.Run(() => RunAsync(attempt));
        return attempt;
    }

    /// <summary>Attempts until one succeeds or the channel is disposed.</summary>
    private async Task RunAsync(Attempt attempt)
    {
        try
        {
            await _retry.ExecuteAsync(
                async cancellation =>
                {
                    attempt.Begin();
                    try
                    {
                        var connection = await _connector.ConnectAsync(cancellation).ConfigureAwait(false);
                        lock (_gate)
                        {
                            _connection = connection;
                            _attempt = null;
                        }

                        attempt.Succeed(connection);
                        if (_options.OnLost is { } onLost)
                        {
                            _ = WatchAsync(connection, onLost);
                        }
                    }
                    catch (RpcException e)
                    {
                        attempt.FailOnce(e);
                        throw;
                    }
                },
                _disposed.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            attempt.Fail(new RpcException(ErrorCatalog.ShuttingDown, $"{Address}: the channel was disposed.", e));
        }
    }

    private async Task WatchAsync(FrameConnection connection, Action onLost)
    {
        await connection.Closed.ConfigureAwait(false);
        if (!_disposed.IsCancellationRequested)
        {
            onLost();
        }
    }

    /// <summary>A series of attempts, and what calls await of it.</summary>
    private sealed class Attempt
    {
        private readonly TaskCompletionSource<FrameConnection> _ready = Source();
        private volatile TaskCompletionSource<FrameConnection> _once = Source();

        public Task Loop { get; set; } = Task.CompletedTask;

        /// <summary>The end of the series, or that of the attempt that runs or, between two, ran last.</summary>
        public Task<FrameConnection> Awaited(bool series) => series ? _ready.Task : _once.Task;

        public void Begin()
        {
            if (_once.Task.IsCompleted)
            {
                _once = Source();
            }
        }

        public void Succeed(FrameConnection connection)
        {
            _once.TrySetResult(connection);
            _ready.TrySetResult(connection);
        }

        public void FailOnce(Exception error)
        {
            _once.TrySetException(error);
            _ = _once.Task.Exception;
        }

        public void Fail(Exception error)
        {
            FailOnce(error);
            _ready.TrySetException(error);
            _ = _ready.Task.Exception;
        }

        private static TaskCompletionSource<FrameConnection> Source() =>
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
