using System.Text;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Client;

/// <summary>Whether an extended attribute may be there already (xattr(7)).</summary>
public enum XattrMode
{
    /// <summary>It is made or replaced.</summary>
    Set,

    /// <summary>It must be new (XATTR_CREATE): else EEXIST.</summary>
    Create,

    /// <summary>It must be there (XATTR_REPLACE): else ENODATA.</summary>
    Replace,
}

/// <content>Extended attributes, and lengths by path.</content>
public sealed partial class DistFsClient
{
    /// <summary>The value of an extended attribute (getxattr).</summary>
    /// <param name="path">Of which file or directory.</param>
    /// <param name="name">With its namespace: "user.origin", "trusted.…", "security.…".</param>
    /// <param name="followsLink">If the path is a symbolic link, of what that stands for.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Up to 64 KiB; null: there is no such attribute.</returns>
    /// <exception cref="DistFsException">ENOENT, EACCES, EOPNOTSUPP: no such namespace.</exception>
    public async Task<byte[]?> TryGetXattrAsync(
        string path, string name, bool followsLink = true, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, followsLink, cancellation).ConfigureAwait(false);
        var request = new GetXattrRequest { Inode = status.Inode.Value, Name = ByteString.CopyFromUtf8(name) };
        var reply = await _channel.ReadAsync(
            new ReadOperation { GetXattr = request }, _sessions.Id, cancellation).ConfigureAwait(false);
        if (reply.Status == (int)FsStatus.NoData)
        {
            return null;
        }

        FileErrors.Ensure(reply.Status, $"{path}, {name}");
        return reply.Data.ToByteArray();
    }

    /// <summary>The names of all extended attributes that the caller may see (listxattr), in order.</summary>
    /// <inheritdoc cref="TryGetXattrAsync" path="/param"/>
    public async Task<IReadOnlyList<string>> ListXattrsAsync(
        string path, bool followsLink = true, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, followsLink, cancellation).ConfigureAwait(false);
        var request = new ListXattrsRequest { Inode = status.Inode.Value };
        var reply = await _channel.ReadAsync(
            new ReadOperation { ListXattrs = request }, _sessions.Id, cancellation).ConfigureAwait(false);
        FileErrors.Ensure(reply.Status, path);
        return
        [
            .. Encoding.UTF8.GetString(reply.Data.Span).Split('\0', StringSplitOptions.RemoveEmptyEntries)
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Sets an extended attribute (setxattr).</summary>
    /// <param name="path">Of which file or directory.</param>
    /// <param name="name">As in <see cref="TryGetXattrAsync"/>; 255 bytes at most.</param>
    /// <param name="value">Up to 65,536 bytes.</param>
    /// <param name="mode">Whether it may be there already.</param>
    /// <param name="followsLink">If the path is a symbolic link, of what that stands for.</param>
    /// <param name="cancellation">Gives up; then it may be set.</param>
    /// <exception cref="DistFsException">EEXIST, ENODATA, ENOENT, EPERM, E2BIG, ENOSPC, EOPNOTSUPP.</exception>
    public async Task SetXattrAsync(
        string path,
        string name,
        ReadOnlyMemory<byte> value,
        XattrMode mode = XattrMode.Set,
        bool followsLink = true,
        CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, followsLink, cancellation).ConfigureAwait(false);
        var request = new SetXattrRequest
        {
            Inode = status.Inode.Value,
            Name = ByteString.CopyFromUtf8(name),
            Value = UnsafeByteOperations.UnsafeWrap(value),
            Create = mode == XattrMode.Create,
            Replace = mode == XattrMode.Replace,
        };
        await DoAsync(new Operation { SetXattr = request }, $"{path}, {name}", cancellation).ConfigureAwait(false);
    }

    /// <summary>Removes an extended attribute (removexattr).</summary>
    /// <inheritdoc cref="TryGetXattrAsync" path="/param"/>
    /// <exception cref="DistFsException">ENODATA: there is none of that name; ENOENT, EPERM.</exception>
    public async Task RemoveXattrAsync(
        string path, string name, bool followsLink = true, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, followsLink, cancellation).ConfigureAwait(false);
        var request = new RemoveXattrRequest { Inode = status.Inode.Value, Name = ByteString.CopyFromUtf8(name) };
        await DoAsync(new Operation { RemoveXattr = request }, $"{path}, {name}", cancellation).ConfigureAwait(false);
    }

    /// <summary>Cuts a file, or lets it grow by zeros (truncate); in one step for everybody.</summary>
    /// <param name="path">Which.</param>
    /// <param name="length">In bytes.</param>
    /// <param name="cancellation">Gives up; then it may be done.</param>
    /// <exception cref="DistFsException">ENOENT, EISDIR, EACCES, EFBIG.</exception>
    public async Task SetLengthAsync(string path, long length, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        Ensure(status, path);
        var request = new SetSizeRequest { Inode = status.Inode.Value, Size = (ulong)length };
        await DoAsync(new Operation { SetSize = request }, path, cancellation).ConfigureAwait(false);
    }

}
