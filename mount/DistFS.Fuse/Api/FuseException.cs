namespace DistFS.Fuse;

/// <summary>A mount that could not be made, served or removed.</summary>
public sealed class FuseException : IOException
{
    /// <summary>With what failed, why, and what to do.</summary>
    public FuseException(string message, Errno error)
        : base(message) => Error = error;

    /// <summary>With what failed, why, and what to do; and another error that led to it.</summary>
    public FuseException(string message, Errno error, Exception inner)
        : base(message, inner) => Error = error;

    /// <summary>What the system said.</summary>
    public Errno Error { get; }
}
