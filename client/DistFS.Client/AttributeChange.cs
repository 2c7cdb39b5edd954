using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client;

/// <summary>New attributes; what is null stays.</summary>
public sealed record AttributeChange
{
    /// <summary>Permission bits: 0 to 07777.</summary>
    public uint? Mode { get; init; }

    /// <summary>The owner.</summary>
    public uint? Uid { get; init; }

    /// <summary>The group.</summary>
    public uint? Gid { get; init; }

    /// <summary>Read last.</summary>
    public FileTime? AccessTime { get; init; }

    /// <summary>Written last.</summary>
    public FileTime? ModifyTime { get; init; }

    /// <summary>
    /// Without <see cref="AccessTime"/>: it becomes the time of the change, by the cluster's clock. Whoever may write
    /// may do that, not only the owner (utimensat, UTIME_NOW).
    /// </summary>
    public bool TouchesAccessTime { get; init; }

    /// <summary>The same of <see cref="ModifyTime"/>.</summary>
    public bool TouchesModifyTime { get; init; }

    /// <summary>
    /// Changed last, as it was told under a lease before the metaservers knew. Beside <see cref="ModifyTime"/>, and for
    /// root; null: it is the time of this change.
    /// </summary>
    public FileTime? ChangeTime { get; init; }

    internal void WriteTo(SetAttributesRequest request)
    {
        if (Mode is { } mode)
        {
            request.Mode = mode;
        }

        if (Uid is { } uid)
        {
            request.Uid = uid;
        }

        if (Gid is { } gid)
        {
            request.Gid = gid;
        }

        request.AccessTime = Of(AccessTime, TouchesAccessTime);
        request.ModifyTime = Of(ModifyTime, TouchesModifyTime);
        request.ChangeTime = ChangeTime is { } told
            ? new Time { Seconds = told.Seconds, Nanoseconds = told.Nanoseconds } : null;
    }

    private static SetAttributesRequest.Types.NewTime? Of(FileTime? time, bool isTouched) => time is not { } given
        ? isTouched ? new() { Now = true } : null
        : new() { Time = new Time { Seconds = given.Seconds, Nanoseconds = given.Nanoseconds } };
}
