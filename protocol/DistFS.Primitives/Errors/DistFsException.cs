namespace DistFS.Primitives;

/// <summary>
/// An error with a stable code and a POSIX status: the base of every error that DistFS throws on purpose.
/// </summary>
public class DistFsException : Exception
{
    /// <summary>Creates an error of kind <paramref name="code"/>.</summary>
    /// <param name="code">What happened, in general.</param>
    /// <param name="message">What happened here: names the object, and what to do when that is known.</param>
    /// <param name="inner">The cause.</param>
    /// <param name="status">More precise than the code's own status.</param>
    public DistFsException(ErrorCode code, string message, Exception? inner = null, FsStatus? status = null)
        : base(message, inner)
    {
        ArgumentNullException.ThrowIfNull(code);
        Code = code;
        Status = status ?? code.Status;
    }

    /// <summary>The stable code.</summary>
    public ErrorCode Code { get; }

    /// <summary>What a system call would return for it.</summary>
    public FsStatus Status { get; }
}
