using System.Buffers;
using DistFS.Metadata;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Leases;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Metaserver.Services;

/// <summary>
/// What clients read: granted by a majority (ReadIndex), then answered from a view of the state on the thread of the
/// call, so that reading does not hold up applying.
/// </summary>
internal sealed class MetadataReadService(RaftDriver driver, MetadataState state, LeaseKeeper leases)
{
    private const int OperationsMax = 4096;
    private const int InlineOperationsMax = 8;
    private const int ReplyBytesMax = 1 << 20;
    private const uint EntriesMax = 65_536;
    private const int PageAttemptsMax = 4;
    private const uint PageBytesMin = 512;
    private const uint PageBytesMax = 4 << 20;

    private static readonly TimeSpan TimeoutMax = TimeSpan.FromSeconds(30);

    [ThreadStatic]
    private static DirectoryReader? _reader;

    /// <summary>Offers the methods.</summary>
    public void AddTo(RpcDispatcher dispatcher) => dispatcher
        .Handle(MetadataMethods.Read, ReadAsync, HandlerScheduling.Inline)
        .Handle(MetadataMethods.ReadDirectory, ReadDirectoryAsync, HandlerScheduling.Inline);

    private async ValueTask<ReadReply> ReadAsync(ReadRequest request, ServerCall call)
    {
        if (request.Operations.Count > OperationsMax)
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"A request has at most {OperationsMax} reads.");
        }

        if (!await IsGrantedAsync(call).ConfigureAwait(false))
        {
            var (status, code, leader) = Redirection.Of(driver);
            return new ReadReply { Status = status, Code = code, Leader = leader };
        }

        await LeaveIfLongAsync(request.Operations.Count > InlineOperationsMax).ConfigureAwait(false);

        // What others have buffered comes first.
        var look = new LeaseLook(leases, new ClientId(request.Client), call, TimeoutMax);
        look.Add(request);
        ReadReply reply;
        do
        {
            if (await look.WaitAsync().ConfigureAwait(false) is { } refused)
            {
                return new ReadReply { Status = refused.Status, Code = refused.Code, Leader = refused.Leader };
            }

            reply = Answer(request);
        }
        while (!look.HasSeen(reply));
        return reply;
    }

    private ReadReply Answer(ReadRequest request) => state.ReadTree(
        request,
        static (view, request) =>
        {
            var reply = new ReadReply();
            if (view == null)
            {
                (reply.Status, reply.Code) = Redirection.Starting;
                return reply;
            }

            var context = new ReadContext(view.Tree, PrincipalOf(request.Caller), new ClientId(request.Client));
            var bytes = 0;
            foreach (var operation in request.Operations)
            {
                // The reply has to fit a frame; the client asks for the rest again.
                reply.Replies.Add(bytes < ReplyBytesMax
                    ? ReadOperations.Apply(context, operation)
                    : new ReadOperationReply { Status = (int)FsStatus.TryAgain });
                bytes += reply.Replies[^1].CalculateSize();
            }

            return reply;
        });

    private async ValueTask<ReadDirectoryReply> ReadDirectoryAsync(ReadDirectoryRequest request, ServerCall call)
    {
        if (request.EntriesMax is 0 or > EntriesMax || request.BytesMax is < PageBytesMin or > PageBytesMax)
        {
            throw new RpcException(
                ErrorCatalog.BadRequest,
                $"A page has 1 to {EntriesMax} entries and {PageBytesMin} to {PageBytesMax} bytes.");
        }

        if (!await IsGrantedAsync(call).ConfigureAwait(false))
        {
            var (status, code, leader) = Redirection.Of(driver);
            return new ReadDirectoryReply { Status = status, Code = code, Leader = leader };
        }

        await LeaveIfLongAsync(request.EntriesMax > InlineOperationsMax).ConfigureAwait(false);
        var look = new LeaseLook(leases, new ClientId(request.Client), call, TimeoutMax);
        look.Add(request.Directory);
        if (await look.WaitAsync().ConfigureAwait(false) is { } refused)
        {
            return new ReadDirectoryReply { Status = refused.Status, Code = refused.Code, Leader = refused.Leader };
        }

        for (var attempt = 1; ; attempt++)
        {
            // The attributes of what others write are left out, and all of them if that changes all the time.
            var before = leases.WritesEnded;
            var isFree = leases.IsReadFree;
            var reply = state.ReadTree(
                (request, call, leases, isFree, attempt < PageAttemptsMax),
                static (view, asked) => ReadPage(view, asked));
            if (isFree || !request.WithAttributes || attempt == PageAttemptsMax || leases.WritesEnded == before)
            {
                return reply;
            }
        }
    }

    private static ReadDirectoryReply ReadPage(
        MetadataView? view,
        (ReadDirectoryRequest Request, ServerCall Call, LeaseKeeper Leases, bool IsFree, bool HasAttributes) asked)
    {
        var request = asked.Request;
        var withAttributes = request.WithAttributes && (asked.IsFree || asked.HasAttributes);
        if (view == null)
        {
            return new ReadDirectoryReply
            {
                Status = Redirection.Starting.Status,
                Code = Redirection.Starting.Code,
            };
        }

        var buffer = MemoryPool<byte>.Shared.Rent((int)request.BytesMax);
        var page = new LeasedPage(
            new DirectoryPage(buffer.Memory), asked.IsFree ? null : asked.Leases, new ClientId(request.Client));
        var status = (_reader ??= new DirectoryReader()).Read(
            new ReadContext(view.Tree, PrincipalOf(request.Caller)),
            new InodeId(request.Directory),
            request.After,
            new PageLimits(
                (int)request.EntriesMax,
                (int)request.BytesMax,
                DirectoryPage.LineBytes + (withAttributes ? DirectoryPage.AttributesBytes : 0)),
            withAttributes,
            ref page,
            out var isEnd);
        if (status != FsStatus.Ok || page.Page.Length == 0)
        {
            buffer.Dispose();
        }
        else
        {
            asked.Call.SetReplyPayload(buffer.Memory[..page.Page.Length], buffer);
        }

        return new ReadDirectoryReply { Status = (int)status, IsEnd = isEnd, Entries = page.Page.Count };
    }

    /// <summary>
    /// Granted reads go on one after the other on one thread: what takes long goes on another one, and holds up nobody.
    /// </summary>
    private static async ValueTask LeaveIfLongAsync(bool isLong)
    {
        if (isLong)
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }
    }

    /// <summary>False: this member does not lead.</summary>
    private async ValueTask<bool> IsGrantedAsync(ServerCall call)
    {
        if (!driver.IsLeader)
        {
            return false;
        }

        var left = call.TimeRemaining < TimeoutMax ? call.TimeRemaining : TimeoutMax;
        if (left <= TimeSpan.Zero)
        {
            throw new RpcException(ErrorCatalog.DeadlineExceeded, "The time was over before the read was looked at.");
        }

        var outcome = await driver.ReadAsync(left, call.CancellationToken).ConfigureAwait(false);
        return outcome.Status switch
        {
            CallStatus.Done => true,
            CallStatus.Busy => throw new RpcException(ErrorCatalog.Overloaded, "Too many reads are under way."),
            CallStatus.Unknown => throw new RpcException(
                ErrorCatalog.DeadlineExceeded,
                $"Metaserver {driver.Self} found no majority that confirms that it leads."),
            _ => false,
        };
    }

    private static Principal PrincipalOf(Caller? caller) =>
        caller == null ? Principal.Nobody : new Principal(caller.Uid, caller.Gid, caller.Groups);
}
