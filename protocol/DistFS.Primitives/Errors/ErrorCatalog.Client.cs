namespace DistFS.Primitives;

/// <content>15xx: files and directories, as clients see them (docs/design/client.md).</content>
public static partial class ErrorCatalog
{
    /// <summary>A system call would have failed too.</summary>
    public static readonly ErrorCode FileRefused = new(1501, FsStatus.Invalid, "not possible with this file",
        "What was asked for is not possible with this file or directory: it does not exist, exists already, may not be "
        + "read or written by this user, and so on. The message names the path and says which, as the system call on "
        + "an ordinary disk would (the status is its errno). Nothing was changed.");

    /// <summary>Bytes that a program had written are not in the file.</summary>
    public static readonly ErrorCode WritesLost = new(1502, FsStatus.IoError, "written bytes are lost",
        "Somebody else wrote, cut or replaced the file, or nothing was heard of this client for long, and bytes that "
        + "it had written, and that no flush had confirmed, are not in the file. What a flush confirmed is. Write "
        + "again what was written since the last flush that succeeded.");

    /// <summary>The session ended in the middle of a request.</summary>
    public static readonly ErrorCode OutcomeUnknown = new(1503, FsStatus.IoError, "outcome unknown",
        "A change was sent, no answer came, and then the client's session ended (a pause, a cut link): the change was "
        + "made once or not at all. Look at the file before doing it again.");

    /// <summary>A file changed while it was copied.</summary>
    public static readonly ErrorCode SourceChanged = new(1504, FsStatus.TryAgain, "source changed while it was copied",
        "The file changed while it was being copied, so the copy would be partly old and partly new. Nothing of it was "
        + "kept. Copy it again when nobody writes it.");
}
