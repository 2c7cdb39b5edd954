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

        request.AccessTime = Of(AccessTime);
        request.ModifyTime = Of(ModifyTime);
    }

    private static SetAttributesRequest.Types.NewTime? Of(FileTime? time) => time is not { } given ? null : new()
    {
        Time = new Time { Seconds = given.Seconds, Nanoseconds = given.Nanoseconds },
    };
}
