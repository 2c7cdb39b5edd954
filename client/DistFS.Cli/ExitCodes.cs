using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>
/// What the process returns. Few, so that a script can tell the cases that it treats differently; the exact error is
/// the code on stderr. Documented in docs/operating/cli.md, which a test compares with <see cref="All"/>.
/// </summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>It failed, or a check found something wrong.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration is wrong; nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>What was named does not exist.</summary>
    public const int NotFound = 3;

    /// <summary>Nobody answers, or the cluster cannot serve at the moment: try again later.</summary>
    public const int Unavailable = 4;

    /// <summary>The time-out passed, as timeout(1) tells it.</summary>
    public const int Deadline = 124;

    /// <summary>Ended by ^C: 128 and SIGINT.</summary>
    public const int Interrupted = 130;

    /// <summary>Ended by SIGTERM: 128 and 15.</summary>
    public const int Terminated = 143;

    /// <summary>Every code with its meaning.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> All =>
    [
        (Ok, "done"),
        (Failed, "failed, or a check found something wrong"),
        (Usage, "wrong command line or configuration; nothing was done"),
        (NotFound, "what was named does not exist"),
        (Unavailable, "nobody answers, or the cluster cannot serve at the moment; try again later"),
        (Deadline, "the time-out passed"),
        (Interrupted, "interrupted by ^C"),
        (Terminated, "ended by SIGTERM"),
    ];

    /// <summary>The exit code of an error.</summary>
    public static int Of(DistFsException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.Code == ErrorCatalog.Usage || error.Code == ErrorCatalog.Configuration ? Usage : Of(error.Status);
    }

    /// <summary>The exit code of a status.</summary>
    public static int Of(FsStatus status) => status switch
    {
        FsStatus.Ok => Ok,
        FsStatus.NotFound or FsStatus.NoData => NotFound,
        FsStatus.ConnectionRefused or FsStatus.ConnectionReset or FsStatus.NotConnected or FsStatus.Unreachable
            or FsStatus.TryAgain => Unavailable,
        FsStatus.TimedOut => Deadline,
        FsStatus.Cancelled or FsStatus.Interrupted => Interrupted,
        _ => Failed,
    };
}
