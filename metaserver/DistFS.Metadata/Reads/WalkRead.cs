using DistFS.Metadata.Ops;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Reads;

/// <summary>
/// Pathname resolution (POSIX, 4.16) in one read, so that a path costs one round trip however long it is. It ends
/// before a symbolic link is followed: where a link leads is the client's matter.
/// </summary>
public static class WalkRead
{
    /// <summary>Names of one walk.</summary>
    public const int NamesMax = 256;

    /// <summary>
    /// Looks names up, each in what the one before stands for, and tells what they stand for as far as it comes. Ok:
    /// all of them. Else what <see cref="LookupRead"/> says of the first that was not found; a link among them is
    /// <see cref="FsStatus.NotADirectory"/> for the name behind it.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, WalkRequest request, ReadOperationReply reply)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(reply);
        if (request.Names.Count is 0 or > NamesMax)
        {
            return FsStatus.Invalid;
        }

        var at = new InodeId(request.From);
        foreach (var name in request.Names)
        {
            var status = LookupRead.Apply(context, at, name.Span, out at, out var row);
            if (status != FsStatus.Ok)
            {
                return status;
            }

            reply.Walked.Add(Replies.ToAttributes(at, row));
        }

        return FsStatus.Ok;
    }
}
