using System.Diagnostics;
using System.Globalization;

namespace DistFS.Benchmarks.Fuse;

/// <summary>The empty file system, mounted by a process of its own (<see cref="FuseNode"/>).</summary>
internal sealed class FuseDaemon : IAsyncDisposable
{
    private readonly Process _process;

    private FuseDaemon(string folder, Process process) => (Folder, _process) = (folder, process);

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    /// <summary>Of the process, so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Mounts it on a folder in /tmp.</summary>
    /// <param name="isPosix">The kernel asks what a file system with locks and capabilities is asked: FLUSH, GETXATTR.
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<FuseDaemon> StartAsync(bool isPosix, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("dfs-fuse-bench-").FullName;
        string[] arguments = ["fuse-node", "--mount", folder, .. isPosix ? ["--posix"] : Array.Empty<string>()];
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        if (await process.StandardOutput.ReadLineAsync(cancellation) != "ready")
        {
            throw new InvalidOperationException("The daemon did not mount: root and /dev/fuse are needed.");
        }

        return new FuseDaemon(folder, process);
    }

    /// <summary>Bytes that it allocated so far.</summary>
    public async Task<double> AllocatedAsync(CancellationToken cancellation)
    {
        await _process.StandardInput.WriteLineAsync("allocated?".AsMemory(), cancellation);
        await _process.StandardInput.FlushAsync(cancellation);
        return double.Parse(
            (await _process.StandardOutput.ReadLineAsync(cancellation))!, CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(Folder);
    }
}
