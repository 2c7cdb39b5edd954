using DistFS.Blocks;
using DistFS.Client.Cluster;
using DistFS.Client.Names;
using DistFS.Client.Transfers;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client;

/// <content>Copies within the cluster: the metaservers let two files have the same chunks, and no byte moves.</content>
public sealed partial class DistFsClient
{
    /// <summary>The most that one request may share.</summary>
    private const long ShareBytesMax = 1024L * ChunkLayout.ChunkBytes;

    private const int CopyAttemptsMax = 5;

    internal TimeSpan SessionLease => _options.SessionLease;

    internal bool IsRoot => _options.Identity.Uid == 0;

    /// <summary>
    /// Copies a file under a name of a directory that is known. Nothing is seen under the name before all of it is
    /// there.
    /// </summary>
    internal async Task CopyFileAsync(
        FileStatus source,
        string from,
        InodeId directory,
        byte[] name,
        string to,
        TransferOptions options,
        CancellationToken cancellation)
    {
        for (var (attempt, waits) = (1, new MetadataChannel.Waits(_options)); ; attempt++)
        {
            var refused = await TryCopyAsync(source, directory, name, to, options, cancellation).ConfigureAwait(false);
            switch (refused)
            {
                case FsStatus.Ok:
                    return;
                case FsStatus.Invalid when attempt < CopyAttemptsMax:
                    // It is not as long as it was.
                    source = await _paths.StatAsync(source.Inode, from, cancellation).ConfigureAwait(false);
                    break;
                case FsStatus.Invalid:
                    throw new DistFsException(
                        ErrorCatalog.SourceChanged, $"{from}: its length changes while it is copied");
                case FsStatus.TryAgain when !waits.IsOver:
                    await waits.PauseAsync(cancellation).ConfigureAwait(false);
                    break;
                default:
                    throw FileErrors.Of(refused, $"{from} to {to}");
            }
        }
    }

    /// <summary>
    /// In one request, under the name itself, if nothing is to be replaced; else under another one, and renamed.
    /// </summary>
    private async Task<FsStatus> TryCopyAsync(
        FileStatus source,
        InodeId directory,
        byte[] name,
        string to,
        TransferOptions options,
        CancellationToken cancellation)
    {
        var isDirect = !options.Overwrites && source.Size <= ShareBytesMax;
        var made = isDirect ? name : System.Text.Encoding.UTF8.GetBytes(
            $"{FileUpload.TemporaryPrefix}{Random.Shared.NextInt64():x16}");
        if (!isDirect && !options.Overwrites)
        {
            await EnsureAbsentAsync(directory, name, to, cancellation).ConfigureAwait(false);
        }

        var replies = await _sessions.MutateAsync(CopyRequest(source, directory, made, options), cancellation)
            .ConfigureAwait(false);
        if (replies[0].Status != 0)
        {
            throw replies[0].Status == (int)FsStatus.AlreadyExists
                ? FileErrors.Exists(to) : FileErrors.Of((FsStatus)replies[0].Status, to);
        }

        var failed = (FsStatus)(replies.FirstOrDefault(static reply => reply.Status != 0)?.Status ?? 0);
        try
        {
            var inode = new InodeId(replies[0].Attributes.Inode);
            for (var at = ShareBytesMax; failed == FsStatus.Ok && at < source.Size; at += ShareBytesMax)
            {
                var reply = await _sessions.MutateAsync(Share(source, inode, at), cancellation).ConfigureAwait(false);
                failed = (FsStatus)reply.Status;
            }

            if (failed == FsStatus.Ok && !isDirect)
            {
                await RenameAsync(directory, made, name, options.Overwrites, to, cancellation).ConfigureAwait(false);
            }
        }
        catch
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await UnlinkAsync(directory, made, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        if (failed != FsStatus.Ok)
        {
            await UnlinkAsync(directory, made, cancellation).ConfigureAwait(false);
        }

        return failed;
    }

    private MutateRequest CopyRequest(FileStatus source, InodeId directory, byte[] made, TransferOptions options)
    {
        // Its owner must be able to write for as long as it is filled.
        const uint OwnerWrites = 0b010_000_000;
        var mode = options.Preserves ? source.Mode : source.Mode & 0b111_111_111;
        var request = new MutateRequest();
        var inode = InodeId.ToldBy(0);
        request.Operations.Add(new Operation
        {
            Make = new MakeRequest
            {
                Parent = directory.Value,
                Name = Bytes(made),
                Kind = (uint)FileKind.File,
                Mode = mode | OwnerWrites,
                Umask = options.Preserves ? 0 : _options.Umask & ~OwnerWrites,
            },
        });
        if (source.Size > 0)
        {
            request.Operations.Add(Share(source, inode, 0));
        }

        var change = new AttributeChange
        {
            Mode = options.Preserves ? mode
                : (mode & ~_options.Umask & OwnerWrites) == 0 ? mode & ~_options.Umask : null,
            Uid = options.Preserves && IsRoot ? source.Uid : null,
            Gid = options.Preserves && IsRoot ? source.Gid : null,
            AccessTime = options.Preserves ? source.AccessTime : null,
            ModifyTime = options.Preserves ? source.ModifyTime : null,
        };
        if (change != new AttributeChange())
        {
            var attributes = new SetAttributesRequest { Inode = inode.Value };
            change.WriteTo(attributes);
            request.Operations.Add(new Operation { SetAttributes = attributes });
        }

        return request;
    }

    private static Operation Share(FileStatus source, InodeId to, long offset) => new()
    {
        ShareRange = new ShareRangeRequest
        {
            FromInode = source.Inode.Value,
            FromOffset = (ulong)offset,
            ToInode = to.Value,
            ToOffset = (ulong)offset,
            Length = (ulong)Math.Min(ShareBytesMax, source.Size - offset),
        },
    };
}
