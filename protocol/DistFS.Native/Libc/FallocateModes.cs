namespace DistFS.Native;

/// <summary>What <see cref="Posix.Fallocate"/> does (linux/falloc.h; the numbers are the kernel's).</summary>
[Flags]
public enum FallocateModes
{
    /// <summary>Allocates space, and extends the file where the range passes its end.</summary>
    None = 0,

    /// <summary>The file's size stays; space beyond the end is kept for later.</summary>
    KeepSize = 1,

    /// <summary>
    /// Gives the space of a range back; it then reads as zeros. Only together with <see cref="KeepSize"/>.
    /// </summary>
    PunchHole = 2,

    /// <summary>Takes a range out of the file, and moves what follows. Whole blocks only, and alone.</summary>
    CollapseRange = 8,

    /// <summary>A range reads as zeros, with space kept for it.</summary>
    ZeroRange = 16,
}

/// <summary>What a file's pages will be used for (posix_fadvise; numbers of Linux).</summary>
public enum FileAdvice
{
    /// <summary>Nothing special.</summary>
    Normal = 0,

    /// <summary>Read-ahead is of no use.</summary>
    Random = 1,

    /// <summary>More read-ahead is of use.</summary>
    Sequential = 2,

    /// <summary>Will be read soon.</summary>
    WillNeed = 3,

    /// <summary>Need not be kept in memory; what is dirty must be synced first to be dropped.</summary>
    DontNeed = 4,
}

/// <summary>Signals, as what they do: their numbers differ between systems.</summary>
public enum ProcessSignal
{
    /// <summary>Asks the process to end (SIGTERM).</summary>
    Terminate,

    /// <summary>SIGINT: ^C.</summary>
    Interrupt,

    /// <summary>Ends it (SIGKILL).</summary>
    Kill,

    /// <summary>Stops it until <see cref="Continue"/> (SIGSTOP).</summary>
    Stop,

    /// <summary>Lets it go on (SIGCONT).</summary>
    Continue,
}
