using System.Buffers;
using DistFS.Metadata.Ops;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Metadata.Reads;

/// <summary>The reads of the contract. To add one: a file here, a message, a line below, tests.</summary>
public static class ReadOperations
{
    /// <summary>Reads; the reply has the status, and what was read if that is Ok.</summary>
    public static ReadOperationReply Apply(in ReadContext context, ReadOperation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        return operation.KindCase switch
        {
            ReadOperation.KindOneofCase.Lookup => Inode(
                LookupRead.Apply(
                    context,
                    new InodeId(operation.Lookup.Parent),
                    operation.Lookup.Name.Span,
                    out var found,
                    out var foundRow),
                found,
                foundRow),
            ReadOperation.KindOneofCase.GetAttributes => Inode(
                GetAttributesRead.Apply(context, new InodeId(operation.GetAttributes.Inode), out var row),
                new InodeId(operation.GetAttributes.Inode),
                row),
            ReadOperation.KindOneofCase.ReadLink => Data(
                context,
                operation.ReadLink,
                static (context, request, data) => ReadLinkRead.Apply(context, new InodeId(request.Inode), data)),
            ReadOperation.KindOneofCase.Access => new ReadOperationReply
            {
                Status = (int)AccessOf(context, operation.Access),
            },
            ReadOperation.KindOneofCase.GetXattr => Data(
                context,
                operation.GetXattr,
                static (context, request, data) =>
                    GetXattrRead.Apply(context, new InodeId(request.Inode), request.Name.Span, data)),
            ReadOperation.KindOneofCase.ListXattrs => Data(
                context,
                operation.ListXattrs,
                static (context, request, data) => ListXattrsRead.Apply(context, new InodeId(request.Inode), data)),
            ReadOperation.KindOneofCase.ListTrash => ListTrash(context, operation.ListTrash),
            ReadOperation.KindOneofCase.GetRetention => GetRetention(context, operation.GetRetention),
            ReadOperation.KindOneofCase.Walk => Walk(context, operation.Walk),
            ReadOperation.KindOneofCase.GetFileMap => GetFileMap(context, operation.GetFileMap),
            ReadOperation.KindOneofCase.GetServers => GetServers(context, operation.GetServers),
            ReadOperation.KindOneofCase.GetQuota => GetQuota(context, operation.GetQuota),
            ReadOperation.KindOneofCase.TestLock => TestLock(context, operation.TestLock),
            _ => new ReadOperationReply { Status = (int)FsStatus.NotImplemented },
        };
    }

    private static ReadOperationReply Walk(in ReadContext context, WalkRequest request)
    {
        var reply = new ReadOperationReply();
        reply.Status = (int)WalkRead.Apply(context, request, reply);
        return reply;
    }

    private static ReadOperationReply GetFileMap(in ReadContext context, GetFileMapRequest request)
    {
        var status = GetFileMapRead.Apply(context, request, out var map);
        return status == FsStatus.Ok
            ? new ReadOperationReply { Map = map } : new ReadOperationReply { Status = (int)status };
    }

    private static ReadOperationReply GetServers(in ReadContext context, GetServersRequest request)
    {
        var status = GetServersRead.Apply(context, request, out var places);
        return status == FsStatus.Ok
            ? new ReadOperationReply { Servers = places } : new ReadOperationReply { Status = (int)status };
    }

    private static ReadOperationReply GetQuota(in ReadContext context, GetQuotaRequest request)
    {
        var status = GetQuotaRead.Apply(context, new InodeId(request.Inode), out var directory, out var quota);
        return status != FsStatus.Ok ? new ReadOperationReply { Status = (int)status } : new ReadOperationReply
        {
            Quota = new QuotaInfo
            {
                Directory = directory.Value,
                InodesMax = quota.InodesMax,
                BytesMax = quota.BytesMax,
                InodesUsed = quota.Inodes,
                BytesUsed = quota.Bytes,
            },
        };
    }

    private static ReadOperationReply TestLock(in ReadContext context, TestLockRequest request)
    {
        if (TestLockRead.WantedOf(context, request) is not { } wanted)
        {
            return new ReadOperationReply { Status = (int)FsStatus.Invalid };
        }

        return new ReadOperationReply
        {
            Lock = TestLockRead.Apply(context, new InodeId(request.Inode), wanted) is not { } held
                ? new LockInfo()
                : new LockInfo
                {
                    IsHeld = true,
                    Exclusive = held.IsExclusive,
                    First = held.First,
                    Length = held.Last == ulong.MaxValue ? 0 : held.Last - held.First + 1,
                    Client = held.Owner.Client.Value,
                    Process = held.Process,
                },
        };
    }

    private static ReadOperationReply ListTrash(in ReadContext context, ListTrashRequest request)
    {
        var page = new TrashPage();
        var status = ListTrashRead.Apply(context, request, page);
        return status == FsStatus.Ok
            ? new ReadOperationReply { Trash = page } : new ReadOperationReply { Status = (int)status };
    }

    private static ReadOperationReply GetRetention(in ReadContext context, GetRetentionRequest request)
    {
        var status = GetRetentionRead.Apply(context, new InodeId(request.Inode), out var retention);
        return status == FsStatus.Ok
            ? new ReadOperationReply { Retention = retention } : new ReadOperationReply { Status = (int)status };
    }

    private static FsStatus AccessOf(in ReadContext context, AccessRequest request) => request.Access > 7
        ? FsStatus.Invalid
        : AccessRead.Apply(context, new InodeId(request.Inode), (Access)request.Access);

    private static ReadOperationReply Inode(FsStatus status, InodeId id, in InodeRow row) => status == FsStatus.Ok
        ? new ReadOperationReply { Attributes = Replies.ToAttributes(id, row) }
        : new ReadOperationReply { Status = (int)status };

    private static ReadOperationReply Data<TRequest>(
        in ReadContext context, TRequest request, Func<ReadContext, TRequest, IBufferWriter<byte>, FsStatus> read)
    {
        var data = new ArrayBufferWriter<byte>();
        var status = read(context, request, data);
        return status == FsStatus.Ok
            ? new ReadOperationReply { Data = ByteString.CopyFrom(data.WrittenSpan) }
            : new ReadOperationReply { Status = (int)status };
    }
}
