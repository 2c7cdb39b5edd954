using Microsoft.Extensions.Logging;

namespace DistFS.Rpc.Tests;

/// <summary>
/// A server, its channels, and the account of what they occupy: at its end everything must be back, or the test fails.
/// </summary>
internal sealed class RpcWorld : IAsyncDisposable
{
    /// <summary>Time-outs that tests can wait for.</summary>
    public static readonly FrameOptions Quick = new()
    {
        HandshakeTimeout = TimeSpan.FromMilliseconds(600),
        StallTimeout = TimeSpan.FromMilliseconds(600),
        KeepAliveInterval = TimeSpan.FromMilliseconds(200),
        KeepAliveTimeout = TimeSpan.FromMilliseconds(900),
    };

    private readonly long _buffersBefore = PooledBuffer.Outstanding;
    private readonly List<FrameChannel> _channels = [];

    public RpcWorld(FrameServerOptions? options = null, Action<RpcDispatcher>? configure = null)
    {
        var dispatcher = Service.Dispatcher();
        configure?.Invoke(dispatcher);
        Server = FrameServer.Start(dispatcher, (options ?? Loopback()) with { Logger = Log });
    }

    public FrameServer Server { get; }

    public ConformanceService Service { get; } = new();

    public RecordingLogger Log { get; } = new();

    public RpcAddress Address => Server.Addresses[0];

    public static FrameServerOptions Loopback(FrameOptions? frames = null) =>
        new() { Listen = [RpcAddress.Tcp("127.0.0.1", 0)], Frames = frames ?? new FrameOptions() };

    public FrameChannel Channel(FrameChannelOptions? options = null)
    {
        var channel = new FrameChannel(Address, options);
        _channels.Add(channel);
        return channel;
    }

    public FrameChannel Channel(FrameOptions frames) => Channel(new FrameChannelOptions { Frames = frames });

    /// <summary>Once no peer is connected, nothing may be occupied any more.</summary>
    public async Task AssertIdle()
    {
        await Eventually.True(() => Server.ConnectionCount == 0);
        await Eventually.True(() => Service.Running == 0, $"{Service.Running} handlers still run");
        await Eventually.True(() => Service.OwnersOut == 0, $"{Service.OwnersOut} reply payloads were not given back");
        await Eventually.True(
            () => PooledBuffer.Outstanding == _buffersBefore,
            $"{PooledBuffer.Outstanding - _buffersBefore} buffers were not given back");
        Assert.Equal(0, Service.OwnersTwice);
    }

    public async ValueTask DisposeAsync()
    {
        Service.ReleaseBlocked();
        foreach (var channel in _channels)
        {
            await channel.DisposeAsync();
        }

        await Server.DisposeAsync();
        await AssertIdle();
    }
}

/// <summary>Keeps what is logged.</summary>
internal sealed class RecordingLogger : ILogger
{
    private readonly List<string> _lines = [];

    public string[] Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
        {
            _lines.Add(formatter(state, exception));
        }
    }
}
