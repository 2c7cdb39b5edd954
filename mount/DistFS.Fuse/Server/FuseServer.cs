namespace DistFS.Fuse;

/// <summary>
/// Serves one connection: readers take requests from devices, handlers answer. Knows no kernel: a device may be
/// /dev/fuse or its twin in memory. docs/design/fuse.md tells the states and invariants.
/// </summary>
public sealed partial class FuseServer : IAsyncDisposable
{
    // Wakes a reader that was between its look at the order to stop and its read.
    private static readonly TimeSpan InterruptEvery = TimeSpan.FromMilliseconds(5);

    // What holds a notification up may be several requests, one after the other; at most 2 s.
    private const int AbandonAttempts = 20;
    private static readonly TimeSpan AbandonEvery = TimeSpan.FromMilliseconds(100);

    private readonly IFuseFileSystem _fileSystem;
    private readonly IFuseNamespace? _namespace;
    private readonly IFuseFiles? _files;
    private readonly IFuseDirectories? _directories;
    private readonly IFuseXattrs? _xattrs;
    private readonly IFuseLocks? _locks;
    private readonly Lock _gate = new();
    private readonly List<Channel> _channels = [];
    private readonly TaskCompletionSource<FuseNegotiated> _ready =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Timer _slowTimer;
    private FuseNegotiated? _negotiated;
    private Exception? _failure;
    private int _readersAlive;
    private bool _isFinishing;
    private volatile bool _isStopping;
    private volatile bool _isUnmounted;
    private Task? _stop;

    private FuseServer(IFuseDevice device, IFuseFileSystem fileSystem, FuseOptions options)
    {
        Options = options;
        _fileSystem = fileSystem;
        _namespace = fileSystem as IFuseNamespace;
        _files = fileSystem as IFuseFiles;
        _directories = fileSystem as IFuseDirectories;
        _xattrs = fileSystem as IFuseXattrs;
        _locks = fileSystem as IFuseLocks;
        Budget = new FlightBudget(options.InFlightBytesMax, options.OverloadPause);
        Flight = new FlightTable(options.Observer, (long)options.SlowAfter.TotalMilliseconds);
        Buffers = new Pool<byte[]>(
            () => GC.AllocateUninitializedArray<byte>(options.BufferBytes, pinned: true),
            (int)(options.InFlightBytesMax / options.BufferBytes) + (2 * options.Readers));
        States = new Pool<RequestState>(() => new RequestState(this), 256);
        _channels.Add(new Channel(device));
        Notifier = new FuseNotifier(options.NotificationsMax, options.ContentNotifiers);
        NameNotifier = new FuseNotifier(options.NotificationsMax);
        AttributeNotifier = new FuseNotifier(options.NotificationsMax);
        var period = TimeSpan.FromTicks(Math.Max(options.SlowAfter.Ticks / 4, TimeSpan.TicksPerMillisecond));
        _slowTimer = new Timer(_ => Flight.ReportSlow(), null, period, period);
    }

    /// <summary>What INIT agreed on; fails when it could not, or when the connection ended before.</summary>
    public Task<FuseNegotiated> Ready => _ready.Task;

    /// <summary>
    /// Ends when nothing is served any more: unmounted, aborted, stopped; fails when the device failed otherwise.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>Whether the kernel said that it is mounted nowhere any more: nothing is left to be unmounted.</summary>
    public bool IsUnmounted => _isUnmounted;

    /// <summary>
    /// Tells the kernel that its caches are out of date. Content may wait in the kernel for a page that somebody has
    /// locked: each inode by itself, as long as no more are stuck than there are threads
    /// (<see cref="FuseOptions.ContentNotifiers"/>).
    /// </summary>
    public FuseNotifier Notifier { get; }

    /// <summary>
    /// The same on a thread of its own, for names: each waits for the lock of its directory, and what concerns content
    /// must not wait behind it.
    /// </summary>
    public FuseNotifier NameNotifier { get; }

    /// <summary>The same for attributes without content (offset -1): these never wait in the kernel.</summary>
    public FuseNotifier AttributeNotifier { get; }

    /// <summary>Deferred requests that are not answered yet.</summary>
    public int InFlight => Flight.Count;

    /// <summary>Bytes of deferred requests that are not answered yet, with what their answers will need.</summary>
    public long InFlightBytes => Budget.UsedBytes;

    /// <summary>What was answered so far.</summary>
    public FuseStatistics Statistics { get; } = new();

    internal FuseOptions Options { get; }

    internal FlightBudget Budget { get; }

    internal FlightTable Flight { get; }

    internal Pool<byte[]> Buffers { get; }

    internal Pool<RequestState> States { get; }

    /// <summary>Which form SETXATTR has.</summary>
    internal bool HasLongSetXattr => _negotiated?.Has(FuseFeatures.SetXattrExtended) ?? true;

    /// <summary>Starts to serve. The server owns the device from here on, also when this throws.</summary>
    /// <param name="device">The connection; its first request is INIT.</param>
    /// <param name="fileSystem">Answers.</param>
    /// <param name="options">Validated here.</param>
    public static FuseServer Start(IFuseDevice device, IFuseFileSystem fileSystem, FuseOptions options)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(fileSystem);
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            var server = new FuseServer(device, fileSystem, options.Validate(fileSystem));
            server.StartReader(server._channels[0], isFirst: true);
            return server;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Stops: interrupts what is under way, waits for answers up to <see cref="FuseOptions.DrainTimeout"/>, answers
    /// the rest with ECONNABORTED, and lets go of the connection, which the kernel then takes for broken.
    /// </summary>
    /// <returns>Ends like <see cref="Completion"/>, but never fails.</returns>
    public Task StopAsync()
    {
        lock (_gate)
        {
            return _stop ??= Task.Factory.StartNew(
                Stop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
        }
    }

    /// <summary>Stops it.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _slowTimer.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// The order matters. A notification may wait in the kernel for a lock of somebody who waits for us, so readers and
    /// handlers go on until the notifier has ended; only then the readers stop; the last one of them finishes.
    /// </summary>
    private async Task Stop()
    {
        Flight.InterruptAll();
        if (!StopNotifiers(Options.DrainTimeout))
        {
            // A handler that does not answer holds it up, or one of a request that comes only now: each is answered
            // here.
            for (var attempts = 0; attempts < AbandonAttempts; attempts++)
            {
                Flight.AbandonAll();
                if (StopNotifiers(AbandonEvery))
                {
                    break;
                }
            }
        }

        StopReaders();
        await _completion.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>All, also when the first did not end in time.</summary>
    private bool StopNotifiers(TimeSpan limit) =>
        Notifier.Stop(limit) & NameNotifier.Stop(limit) & AttributeNotifier.Stop(limit);

    private void StopReaders()
    {
        _isStopping = true;
        Budget.Close();
        while (true)
        {
            lock (_gate)
            {
                if (_readersAlive == 0)
                {
                    return;
                }

                foreach (var channel in _channels)
                {
                    if (!channel.HasEnded)
                    {
                        channel.Device.Interrupt();
                    }
                }
            }

            if (_readersGone.Wait(InterruptEvery))
            {
                return;
            }
        }
    }

    /// <summary>
    /// By the last reader, on its thread: what is under way ends, then the file system, then the connection.
    /// </summary>
    private void Finish()
    {
        Flight.InterruptAll();
        if (!Flight.WaitUntilEmpty(Options.DrainTimeout))
        {
            Flight.AbandonAll();
        }

        StopNotifiers(Options.DrainTimeout);
        try
        {
            if (_negotiated != null)
            {
                _fileSystem.Destroyed();
            }
        }
        catch (Exception e)
        {
            _failure ??= e;
        }

        List<Channel> channels;
        lock (_gate)
        {
            channels = [.. _channels];
        }

        foreach (var channel in channels)
        {
            channel.Device.Sever();
            channel.Release();
        }

        _slowTimer.Dispose();
        _ready.TrySetException(_failure ?? new FuseException("The connection ended before INIT.", Errno.ENODEV));
        if (_failure is { } failure)
        {
            _completion.TrySetException(failure);
        }
        else
        {
            _completion.TrySetResult();
        }
    }
}
