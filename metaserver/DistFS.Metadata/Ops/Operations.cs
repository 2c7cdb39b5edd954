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
            Operation.KindOneofCase.WriteInline => WriteInlineOperation.Apply(context, operation.WriteInline, reply),
            Operation.KindOneofCase.SetSize => SetSizeOperation.Apply(context, operation.SetSize, reply),
            Operation.KindOneofCase.AllocateChunks =>
                AllocateChunksOperation.Apply(context, operation.AllocateChunks, reply),
            Operation.KindOneofCase.InstallChunk => InstallChunkOperation.Apply(context, operation.InstallChunk, reply),
            Operation.KindOneofCase.CommitWrite => CommitWriteOperation.Apply(context, operation.CommitWrite, reply),
            Operation.KindOneofCase.NewVersion => NewVersionOperation.Apply(context, operation.NewVersion, reply),
            Operation.KindOneofCase.SealChunks => SealChunksOperation.Apply(context, operation.SealChunks, reply),
            Operation.KindOneofCase.ShareRange => ShareRangeOperation.Apply(context, operation.ShareRange, reply),
            Operation.KindOneofCase.PunchRange => PunchRangeOperation.Apply(context, operation.PunchRange, reply),
            Operation.KindOneofCase.SetRetention => SetRetentionOperation.Apply(context, operation.SetRetention),
            Operation.KindOneofCase.Restore => RestoreOperation.Apply(context, operation.Restore, reply),
            Operation.KindOneofCase.Purge => PurgeOperation.Apply(context, operation.Purge),
            Operation.KindOneofCase.SetGoal => SetGoalOperation.Apply(context, operation.SetGoal, reply),
            Operation.KindOneofCase.ReserveInodes =>
                ReserveInodesOperation.Apply(context, operation.ReserveInodes, reply),
            _ => FsStatus.NotImplemented,
        };
}
