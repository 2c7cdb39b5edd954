namespace DistFS.Primitives;

/// <content>10xx: the tool and its configuration.</content>
public static partial class ErrorCatalog
{
    /// <summary>A defect of DistFS.</summary>
    public static readonly ErrorCode Internal = new(1000, FsStatus.IoError, "internal error",
        "DistFS met a state that it should never meet. Nothing that was acknowledged is affected. Please report it "
        + "with the message, the output of 'dfs version', and the log of the process that reported it.");

    /// <summary>The command line is wrong.</summary>
    public static readonly ErrorCode Usage = new(1001, FsStatus.Invalid, "wrong usage",
        "The command line was not understood, and nothing was done. 'dfs VERB --help' shows the options and examples.");

    /// <summary>A configuration value is missing, unknown or out of range.</summary>
    public static readonly ErrorCode Configuration = new(1002, FsStatus.Invalid, "invalid configuration",
        "A setting is missing, unknown or out of range; the message names it, and where it came from. Flags win over "
        + "environment variables (DISTFS_...), which win over the configuration file.");

    /// <summary>A code that does not exist.</summary>
    public static readonly ErrorCode UnknownCode = new(1003, FsStatus.NotFound, "no such error code",
        "'dfs explain' knows the codes of this version; 'dfs explain --all' lists them. A newer server may report "
        + "codes that an older tool does not know.");

    /// <summary>The caller pressed ^C or its token was cancelled.</summary>
    public static readonly ErrorCode Cancelled = new(1004, FsStatus.Cancelled, "cancelled",
        "The operation was cancelled by its caller. What had been acknowledged before stays; the rest was not done, or "
        + "is unknown where the message says so.");
}
