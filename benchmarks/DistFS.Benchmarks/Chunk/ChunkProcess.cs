using System.Diagnostics;
using System.Net;
using DistFS.Client.Chunks;
using DistFS.Primitives;

namespace DistFS.Benchmarks.Chunk;

/// <summary>A <see cref="ChunkNode"/> that runs.</summary>
internal sealed class ChunkProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ChunkProcess(Process process, uint id, string[] addresses)
    {
        _process = process;
        Server = new ChunkServerAddress(new ServerId(id), addresses[0]);
        Bare = IPEndPoint.Parse(addresses[1]);
    }

    public ChunkServerAddress Server { get; }

    public IPEndPoint Bare { get; }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The most memory that it had, in bytes.</summary>
    public long PeakBytes
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    public static async Task<ChunkProcess> StartAsync(uint id, string folder, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["chunk-node", "--id", $"{id}", "--data", folder])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync(cancellation)
            ?? throw new InvalidOperationException("A chunk server of the benchmark ended.");
        return new ChunkProcess(process, id, line.Split(' '));
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
