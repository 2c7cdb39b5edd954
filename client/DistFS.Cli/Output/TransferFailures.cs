using DistFS.Primitives;

namespace DistFS.Cli.Output;

/// <summary>What failed of a transfer: told at once on stderr, a line each, or with the document. Any thread.</summary>
internal sealed class TransferFailures(VerbContext context)
{
    private readonly Lock _gate = new();
    private readonly List<TransferFailure> _all = [];
    private int _exitCode = ExitCodes.Ok;

    /// <summary>Of the first failure.</summary>
    public int ExitCode
    {
        get
        {
            lock (_gate)
            {
                return _exitCode;
            }
        }
    }

    /// <summary>All of them.</summary>
    public TransferFailure[] All
    {
        get
        {
            lock (_gate)
            {
                return [.. _all];
            }
        }
    }

    /// <summary>Another one.</summary>
    public void Add(string path, DistFsException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        lock (_gate)
        {
            _exitCode = _exitCode == ExitCodes.Ok ? ExitCodes.Of(error) : _exitCode;
            _all.Add(new TransferFailure(path, error.Code.Id, error.Status.ToPosixName(), error.Message));
            if (!context.Json)
            {
                context.Host.Error.WriteLine($"dfs: {error.Code.Id}: {Printable.Of(error.Message)}");
            }
        }
    }
}

/// <summary>A file that was not copied.</summary>
internal sealed record TransferFailure(string Path, string Code, string Status, string Message);
