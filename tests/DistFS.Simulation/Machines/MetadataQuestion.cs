using DistFS.Metadata;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Store;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>
/// A read as it goes over the simulated wire, {kind 1, message}, and the shipped code that answers it from what was
/// published.
/// </summary>
public static class MetadataQuestion
{
    private const byte Reads = 1;
    private const byte Directory = 2;
    private const int PageBytes = 64 << 10;

    /// <summary>The bytes of reads.</summary>
    public static byte[] Of(ReadRequest request) => Join(Reads, request);

    /// <summary>The bytes of the read of a directory, which is answered with its names.</summary>
    public static byte[] Of(ReadDirectoryRequest request) => Join(Directory, request);

    /// <summary>Answers.</summary>
    public static byte[] Answer(IOrderedStore store, ReadOnlySpan<byte> question)
    {
        var view = MetadataView.Open(store);
        if (question[0] == Reads)
        {
            var request = ReadRequest.Parser.ParseFrom(question[1..]);
            var reply = new ReadReply { Status = view == null ? (int)FsStatus.TryAgain : 0 };
            foreach (var operation in request.Operations)
            {
                if (view != null)
                {
                    reply.Replies.Add(ReadOperations.Apply(
                        new ReadContext(view.Tree, PrincipalOf(request.Caller)), operation));
                }
            }

            return reply.ToByteArray();
        }

        return view == null
            ? new ReadDirectoryReply { Status = (int)FsStatus.TryAgain }.ToByteArray()
            : Page(view, ReadDirectoryRequest.Parser.ParseFrom(question[1..])).ToByteArray();
    }

    /// <summary>The names of a page, but for '.' and '..'.</summary>
    public static IReadOnlyList<(ulong Cookie, InodeId Inode, string Name)> Names(ReadDirectoryReply page)
    {
        ArgumentNullException.ThrowIfNull(page);
        var names = new List<(ulong, InodeId, string)>();
        for (var rest = page.Payload.Span; !rest.IsEmpty;)
        {
            var length = BitConverter.ToUInt16(rest[18..]);
            var name = System.Text.Encoding.UTF8.GetString(rest.Slice(DirectoryPage.LineBytes, length));
            if (name is not ("." or ".."))
            {
                names.Add((BitConverter.ToUInt64(rest), new InodeId(BitConverter.ToUInt64(rest[8..])), name));
            }

            rest = rest[(DirectoryPage.LineBytes + length)..];
        }

        return names;
    }

    private static ReadDirectoryReply Page(MetadataView view, ReadDirectoryRequest request)
    {
        var buffer = new byte[PageBytes];
        var page = new DirectoryPage(buffer);
        var status = new DirectoryReader().Read(
            new ReadContext(view.Tree, PrincipalOf(request.Caller)),
            new InodeId(request.Directory),
            request.After,
            new PageLimits((int)request.EntriesMax, PageBytes, DirectoryPage.LineBytes),
            withAttributes: false,
            ref page,
            out var isEnd);
        return new ReadDirectoryReply
        {
            Status = (int)status,
            IsEnd = isEnd,
            Entries = page.Count,
            Payload = ByteString.CopyFrom(buffer, 0, page.Length),
        };
    }

    private static byte[] Join(byte kind, IMessage message) => [kind, .. message.ToByteArray()];

    private static Principal PrincipalOf(Caller? caller) =>
        caller == null ? Principal.Nobody : new Principal(caller.Uid, caller.Gid, caller.Groups);
}
