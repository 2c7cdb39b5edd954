using System.Runtime.InteropServices;

namespace DistFS.Cli;

/// <summary>
/// Turns ^C and SIGTERM into a cancelled token, so that a verb can end in order. A second signal ends the process at
/// once, as it would without us.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;
    private volatile int _exitCode = ExitCodes.Interrupted;

    public Interrupts()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => Cancel(s, ExitCodes.Interrupted));
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => Cancel(s, ExitCodes.Terminated));
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>128 and the number of the signal that came.</summary>
    public int ExitCode => _exitCode;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void Cancel(PosixSignalContext signal, int exitCode)
    {
        if (_source.IsCancellationRequested)
        {
            return;
        }

        signal.Cancel = true;
        _exitCode = exitCode;
        _source.Cancel();
    }
}
