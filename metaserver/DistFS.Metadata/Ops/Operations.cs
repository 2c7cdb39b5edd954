using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>The table of the operations: one line, one file under Ops, one test file each.</summary>
internal static class Operations
{
    /// <summary>Applies one; an error has changed nothing that the caller may keep.</summary>
    public static FsStatus Apply(in MetadataContext context, Operation operation, OperationReply reply) =>
        operation.KindCase switch
        {
            Operation.KindOneofCase.Make => MakeOperation.Apply(context, operation.Make, reply),
            Operation.KindOneofCase.Link => LinkOperation.Apply(context, operation.Link, reply),
            Operation.KindOneofCase.Unlink => UnlinkOperation.Apply(context, operation.Unlink),
            Operation.KindOneofCase.RemoveDirectory =>
                RemoveDirectoryOperation.Apply(context, operation.RemoveDirectory),
            Operation.KindOneofCase.Rename => RenameOperation.Apply(context, operation.Rename),
            Operation.KindOneofCase.SetAttributes =>
                SetAttributesOperation.Apply(context, operation.SetAttributes, reply),
            Operation.KindOneofCase.SetXattr => SetXattrOperation.Apply(context, operation.SetXattr, reply),
            Operation.KindOneofCase.RemoveXattr => RemoveXattrOperation.Apply(context, operation.RemoveXattr, reply),
            Operation.KindOneofCase.Open => OpenOperation.Apply(context, operation.Open, reply),
            Operation.KindOneofCase.Release => ReleaseOperation.Apply(context, operation.Release),
            Operation.KindOneofCase.SetQuota => SetQuotaOperation.Apply(context, operation.SetQuota),
            Operation.KindOneofCase.Lock => LockOperation.Apply(context, operation.Lock, reply),
            _ => FsStatus.NotImplemented,
        };
}
