using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client;

/// <content>Quotas: limits of a directory and all that is below it.</content>
public sealed partial class DistFsClient
{
    /// <summary>The quota that holds for a path: that of the nearest directory that has one.</summary>
    /// <returns>Null: none holds.</returns>
    /// <exception cref="DistFsException">ENOENT, EACCES.</exception>
    public async Task<QuotaStatus?> TryGetQuotaAsync(string path, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        var reply = await _channel.ReadAsync(
            new ReadOperation { GetQuota = new GetQuotaRequest { Inode = status.Inode.Value } },
            _sessions.Id,
            cancellation).ConfigureAwait(false);
        if (reply.Status == (int)FsStatus.NoData)
        {
            return null;
        }

        FileErrors.Ensure(reply.Status, path);
        return new QuotaStatus(
            new InodeId(reply.Quota.Directory),
            (long)reply.Quota.BytesMax,
            (long)reply.Quota.InodesMax,
            (long)reply.Quota.BytesUsed,
            (long)reply.Quota.InodesUsed);
    }

    /// <summary>
    /// Limits a directory and all that is below it. What is there is counted meanwhile, and the limits hold when that
    /// is done; what is over a limit already stays. Root's only.
    /// </summary>
    /// <param name="path">A directory.</param>
    /// <param name="bytesMax">
    /// Of what is stored, one copy counted (<see cref="FileStatus.Allocated"/>); 0: no limit.
    /// </param>
    /// <param name="inodesMax">Files, directories and others; 0: no limit.</param>
    /// <param name="cancellation">Gives up; then it may be set.</param>
    /// <exception cref="DistFsException">EPERM, ENOTDIR, ENOENT; EBUSY: another directory is being counted.</exception>
    public async Task SetQuotaAsync(
        string path, long bytesMax, long inodesMax, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesMax);
        ArgumentOutOfRangeException.ThrowIfNegative(inodesMax);
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        var request = new SetQuotaRequest
        {
            Inode = status.Inode.Value,
            BytesMax = (ulong)bytesMax,
            InodesMax = (ulong)inodesMax,
        };
        await DoAsync(new Operation { SetQuota = request }, path, cancellation).ConfigureAwait(false);
    }

    /// <summary>A directory has no quota of its own any more; that of one above it holds again. Root's only.</summary>
    /// <exception cref="DistFsException">
    /// ENODATA: it has none; EPERM, ENOENT; EBUSY: it, or another directory, is being counted.
    /// </exception>
    public async Task ClearQuotaAsync(string path, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        var request = new SetQuotaRequest { Inode = status.Inode.Value, Clear = true };
        await DoAsync(new Operation { SetQuota = request }, path, cancellation).ConfigureAwait(false);
    }
}

/// <summary>A quota and its use.</summary>
/// <param name="Directory">The directory that has it.</param>
/// <param name="BytesMax">0: no limit.</param>
/// <param name="InodesMax">0: no limit.</param>
/// <param name="BytesUsed">Stored below the directory, one copy counted, with what is in the trash.</param>
/// <param name="InodesUsed">Below the directory and itself, with what is in the trash.</param>
public sealed record QuotaStatus(
    InodeId Directory, long BytesMax, long InodesMax, long BytesUsed, long InodesUsed);
