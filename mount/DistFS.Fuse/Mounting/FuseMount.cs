using System.Runtime.Versioning;

namespace DistFS.Fuse;

/// <summary>A file system that is mounted, from the mount to the last request.</summary>
[SupportedOSPlatform("linux")]
public sealed partial class FuseMount : IAsyncDisposable
{
    private readonly FuseMountOptions _options;
    private readonly FuseServer _server;
    private readonly FuseWatchdog? _watchdog;
    private readonly string _device;
    private readonly Lock _gate = new();
    private readonly Task _completion;
    private Task? _unmount;

    private FuseMount(
        string mountPoint, FuseMountOptions options, FuseServer server, FuseWatchdog? watchdog, string device)
    {
        MountPoint = mountPoint;
        _options = options;
        _server = server;
        _watchdog = watchdog;
        _device = device;
        _completion = CompleteAsync();
    }

    /// <summary>Absolute, without symbolic links.</summary>
    public string MountPoint { get; }

    /// <summary>Serves its requests.</summary>
    public FuseServer Server => _server;

    /// <summary>
    /// Ends when it is not mounted any more and nothing is under way, whoever unmounted it; fails when the device
    /// failed.
    /// </summary>
    public Task Completion => _completion;

    /// <summary>Mounts, and waits for the kernel's first request.</summary>
    /// <param name="mountPoint">A directory.</param>
    /// <param name="fileSystem">Answers.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Ends the wait; nothing stays mounted then.</param>
    /// <exception cref="FuseException">It could not be mounted: says why, and what to do.</exception>
    /// <exception cref="ArgumentException">Options that cannot be.</exception>
    public static Task<FuseMount> MountAsync(
        string mountPoint,
        IFuseFileSystem fileSystem,
        FuseMountOptions options,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(mountPoint);
        ArgumentNullException.ThrowIfNull(fileSystem);
        ArgumentNullException.ThrowIfNull(options);
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("FUSE mounts exist on Linux only.");
        }

        options.Validate();
        options.Server.Validate(fileSystem);

        // mount(2) and the helper block: on a thread of their own.
        return Task.Factory.StartNew(
            () => MountOnThread(mountPoint, fileSystem, options, cancellation),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap();
    }

    /// <summary>
    /// Unmounts. While files are open it is taken out of sight, and goes on until they are closed, or
    /// <see cref="FuseMountOptions.BusyTimeout"/> is over: then their use fails with ENOTCONN or ECONNABORTED.
    /// </summary>
    /// <returns>Ends like <see cref="Completion"/>, but never fails.</returns>
    public Task UnmountAsync()
    {
        lock (_gate)
        {
            return _unmount ??= Task.Factory.StartNew(
                UnmountOnThread,
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap();
        }
    }

    /// <summary>Unmounts.</summary>
    public async ValueTask DisposeAsync()
    {
        await UnmountAsync().ConfigureAwait(false);
        await _server.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<FuseMount> MountOnThread(
        string mountPoint, IFuseFileSystem fileSystem, FuseMountOptions options, CancellationToken cancellation)
    {
        var path = Resolve(mountPoint);
        var watchdog = options.Watchdog
            ? FuseWatchdog.Start(path, options.FileSystemType, LazyUnmountCommand(path, options))
            : null;
        FuseServer? server = null;
        string? device = null;
        try
        {
            var kernel = options.UseFusermount
                ? Fusermount.Mount(path, FusermountOptions(options))
                : MountDirectly(path, options);
            device = MountEntry.Find(path)?.Device;
            if (device == null)
            {
                kernel.Dispose();
                throw new FuseException($"{path} was unmounted at once by somebody else.", Errno.ENODEV);
            }

            watchdog?.Mounted(device);
            server = FuseServer.Start(kernel, fileSystem, options.Server);
            await server.Ready.WaitAsync(options.StartTimeout, cancellation).ConfigureAwait(false);
            return new FuseMount(path, options, server, watchdog, device);
        }
        catch
        {
            if (device != null)
            {
                Detach(path, device, options);
            }

            if (server != null)
            {
                await server.DisposeAsync().ConfigureAwait(false);
            }

            watchdog?.Dispose();
            throw;
        }
    }

    private async Task UnmountOnThread()
    {
        if (!_server.IsUnmounted && !TryUnmount(MountPoint, _device, _options))
        {
            Detach();
        }

        var end = _completion.ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            await end.WaitAsync(_options.BusyTimeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Files are open still. What is under way gets its answers; then the connection is cut.
            await _server.StopAsync().ConfigureAwait(false);
            await end.ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Whatever ended the server: nothing that does not answer stays mounted, and the watchdog is sent home.
    /// </summary>
    private async Task CompleteAsync()
    {
        try
        {
            await _server.Completion.ConfigureAwait(false);
        }
        finally
        {
            Detach();
            _watchdog?.Dispose();
        }
    }

    /// <summary>
    /// Unless it is unmounted already: then its device's number is free, and what is mounted next has it, often at the
    /// same place.
    /// </summary>
    private void Detach()
    {
        if (!_server.IsUnmounted)
        {
            Detach(MountPoint, _device, _options);
        }
    }
}
