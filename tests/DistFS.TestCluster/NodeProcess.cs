using System.Diagnostics;
using System.Globalization;
using DistFS.Cli.Local;
using DistFS.Native;

namespace DistFS.TestCluster;

/// <summary>
/// <c>dfs</c> as a process that serves until it is stopped. What it says goes to <c>node.log</c> in its data folder.
/// </summary>
/// <param name="name">For messages.</param>
/// <param name="folder">Its data folder.</param>
/// <param name="arguments">Of the command line; the verb first.</param>
public sealed class NodeProcess(string name, string folder, IReadOnlyList<string> arguments)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private Process? _process;
    private string _lastSaid = "it said nothing";

    /// <summary>Its data folder.</summary>
    public string Folder => folder;

    /// <summary>What it said last.</summary>
    public string LastSaid
    {
        get
        {
            lock (_gate)
            {
                return _lastSaid;
            }
        }
    }

    /// <summary>Whether it was started and not ended.</summary>
    public bool IsStarted => _process != null;

    /// <summary>Whether it ended by itself.</summary>
    public bool HasDied => _process is { HasExited: true };

    /// <summary>Of the process, while it is started.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>Processor time so far; zero if it does not run.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            if (_process is not { HasExited: false } process)
            {
                return default;
            }

            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory, and the most it had, in bytes (proc(5), VmRSS, VmHWM).</summary>
    public (long Now, long Most) ResidentBytes => (Status("VmRSS"), Status("VmHWM"));

    /// <summary>Starts it; returns when it listens, which it says by a first line. Failed, nothing is left.</summary>
    /// <exception cref="InvalidOperationException">It ended instead; says what it said last.</exception>
    /// <exception cref="TimeoutException">It said nothing for a minute.</exception>
    public async Task StartAsync()
    {
        Directory.CreateDirectory(folder);
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "dfs"), arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        SharedMachine.Configure(start);
        var log = new StreamWriter(Path.Combine(folder, "node.log"), append: true) { AutoFlush = true };
        var process = _process = Process.Start(start)!;
        process.ErrorDataReceived += (_, said) => Log(log, said.Data);
        process.BeginErrorReadLine();
        try
        {
            if (await process.StandardOutput.ReadLineAsync().WaitAsync(Patience).ConfigureAwait(false) == null)
            {
                throw new InvalidOperationException($"{name} did not start: {LastSaid}");
            }
        }
        catch
        {
            await KillAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As by kill -9; waits until it is gone.</summary>
    public Task KillAsync() => EndAsync(static process => process.Kill());

    /// <summary>As by SIGTERM; waits until it is gone.</summary>
    /// <exception cref="InvalidOperationException">It did not end with 0.</exception>
    public async Task StopAsync()
    {
        var code = await EndAsync(static process => Posix.Kill(process.Id, ProcessSignal.Terminate))
            .ConfigureAwait(false);
        if (code != 0)
        {
            throw new InvalidOperationException($"{name} ended with {code}: {LastSaid}");
        }
    }

    /// <summary>Pauses it, or lets it go on.</summary>
    public void Signal(ProcessSignal signal) => Posix.Kill(ProcessId, signal);

    private long Status(string field) => 1024 * long.Parse(
        File.ReadLines($"/proc/{ProcessId}/status")
            .First(line => line.StartsWith(field, StringComparison.Ordinal))
            .Split(':', StringSplitOptions.TrimEntries)[1].Split(' ')[0],
        CultureInfo.InvariantCulture);

    private async Task<int> EndAsync(Action<Process> end)
    {
        var process = _process!;
        end(process);
        using var limit = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        var code = process.ExitCode;
        process.Dispose();
        _process = null;
        return code;
    }

    /// <summary>
    /// The file is held open: an exception here, say because the folder is gone, would end the process that runs the
    /// tests.
    /// </summary>
    private void Log(StreamWriter log, string? line)
    {
        if (line == null)
        {
            log.Dispose();
            return;
        }

        lock (_gate)
        {
            _lastSaid = line;
        }

        log.WriteLine(line);
    }
}
