using System.Diagnostics;
using System.Runtime.Versioning;
using DistFS.Client;
using DistFS.Fuse;
using DistFS.Primitives;
using DistFS.Vfs;

namespace DistFS.Mount;

/// <summary>A cluster that is mounted on a directory of this machine.</summary>
[SupportedOSPlatform("linux")]
public sealed class ClusterMount : IAsyncDisposable
{
    private readonly VfsMount _vfs;
    private readonly FuseMount _fuse;
    private readonly long _begun = Stopwatch.GetTimestamp();

    private ClusterMount(VfsMount vfs, FuseMount fuse) => (_vfs, _fuse) = (vfs, fuse);

    /// <summary>Absolute.</summary>
    public string MountPoint => _fuse.MountPoint;

    /// <summary>Ends when it is not mounted any more, whoever unmounted it.</summary>
    public Task Completion => _fuse.Completion;

    /// <summary>What was asked of it so far, and how it was answered.</summary>
    public FuseStatistics Operations => _fuse.Server.Statistics;

    /// <summary>It is there for so long.</summary>
    public TimeSpan Uptime => Stopwatch.GetElapsedTime(_begun);

    /// <summary>What it has in its memory.</summary>
    public VfsFigures Figures => _vfs.Figures;

    /// <summary>Mounts, and returns when it is there.</summary>
    /// <exception cref="DistFsException">The cluster does not answer; there is no such directory in it.</exception>
    /// <exception cref="FuseException">It could not be mounted: says why, and what to do.</exception>
    public static async Task<ClusterMount> MountAsync(MountOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var numbers = new NodeNumbers(await RootAsync(options, cancellation).ConfigureAwait(false));
        var kernel = new FuseKernel(numbers);
        var vfs = await VfsMount.ConnectAsync(options.Client, options.Vfs, kernel, cancellation).ConfigureAwait(false);
        try
        {
            var log = new MountLog(options.Defect);
            var adapter = new FuseAdapter(vfs, numbers, e => log.Tell($"{e}"));
            var fuse = await FuseMount.MountAsync(
                options.MountPoint,
                adapter,
                new FuseMountOptions
                {
                    Source = options.Source,
                    Subtype = MountOptions.Subtype,
                    ReadOnly = options.Vfs.IsReadOnly,
                    AllowOther = options.AllowOther,
                    DefaultPermissions = true,
                    Server = new FuseOptions
                    {
                        Features = FuseAdapter.Features,
                        Observer = new Observer(log),
                    },
                },
                cancellation).ConfigureAwait(false);
            var agreed = await fuse.Server.Ready.ConfigureAwait(false);
            kernel.Begin(fuse.Server, agreed.Features);
            return new ClusterMount(vfs, fuse);
        }
        catch
        {
            kernel.Begin(null);
            await vfs.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Unmounts, and sends everything that was written.</summary>
    public async ValueTask DisposeAsync()
    {
        await _fuse.DisposeAsync().ConfigureAwait(false);
        await _vfs.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<InodeId> RootAsync(MountOptions options, CancellationToken cancellation)
    {
        if (options.Subdirectory.Trim('/').Length == 0)
        {
            return InodeId.Root;
        }

        var client = await DistFsClient.ConnectAsync(options.Client, cancellation).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            var root = await client.StatAsync(options.Subdirectory, cancellation: cancellation).ConfigureAwait(false);
            return root.IsDirectory ? root.Inode : throw new DistFsException(
                ErrorCatalog.FileRefused,
                $"{options.Subdirectory}: not a directory",
                null,
                FsStatus.NotADirectory);
        }
    }

    private sealed class Observer(MountLog log) : IFuseObserver
    {
        public void Defect(Opcode opcode, ulong unique, string what, Exception? error) =>
            log.Tell($"{opcode} {unique}: {what} {error}");

        public void Slow(Opcode opcode, ulong unique, TimeSpan age) =>
            log.Tell($"{opcode} {unique} is not answered for {age.TotalSeconds:0} s");
    }
}
